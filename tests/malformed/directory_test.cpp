// Paths that are not models: missing, empty, or with an invalid configuration.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pare/model.h"
#include "support/safetensors.h"

namespace pare {
namespace {

using test::error_of;
using test::write_text;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;
namespace fs = std::filesystem;

class MalformedDirectory : public testing::Test {
 protected:
  MalformedDirectory() {
    ::setenv("HF_HUB_CACHE", (directory_ / "hub").c_str(), 1);  // an empty one
    write_text(directory_ / "model/model.safetensors",
               test::safetensors(R"({"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", "abcd"));
  }
  ~MalformedDirectory() override { ::unsetenv("HF_HUB_CACHE"); }
  std::string open_checkpoint(const std::string& where) const {
    return error_of([&] { Checkpoint::open(where); });
  }
  std::string failure(const std::string& config) const {
    write_text(directory_ / "model/config.json", config);
    return error_of([&] { open_model((directory_ / "model").string()); });
  }
  std::string path(const std::string& name) const { return (directory_ / name).string(); }
  test::TemporaryDirectory directory_;
};

TEST_F(MalformedDirectory, TheGoodOneIsRead) { EXPECT_EQ(failure("{}"), ""); }

TEST_F(MalformedDirectory, MissingPath) {
  EXPECT_EQ(open_checkpoint(path("gone")), path("gone") + ": no such file or directory");
  EXPECT_EQ(open_checkpoint(path("model/model.safetensors/x")),
            path("model/model.safetensors/x") + ": no such file or directory");
  EXPECT_EQ(open_checkpoint(path("gone.safetensors")), path("gone.safetensors") + ": no such file or directory");
  EXPECT_EQ(open_checkpoint("no-such/model"),
            "no-such/model: no such file or directory, and no such model in the "
            "Hugging Face cache " +
                path("hub"));
}
TEST_F(MalformedDirectory, EmptyPath) { EXPECT_THAT(open_checkpoint(""), HasSubstr("no such file or directory")); }

TEST_F(MalformedDirectory, PathTooLong) {
  EXPECT_THAT(open_checkpoint(path(std::string(300, 'x'))), HasSubstr("cannot be opened: File name too long"));
}
TEST_F(MalformedDirectory, LinkToNothingAndToItself) {
  fs::create_symlink("gone", directory_ / "dangling.safetensors");
  EXPECT_THAT(open_checkpoint(path("dangling.safetensors")), HasSubstr("no such file or directory"));
  fs::create_symlink("loop.safetensors", directory_ / "loop.safetensors");
  EXPECT_THAT(open_checkpoint(path("loop.safetensors")), HasSubstr("cannot be opened: "));
  fs::create_symlink("model.safetensors", directory_ / "model.safetensors");
  EXPECT_THAT(open_checkpoint(directory_.path().string()),
              StartsWith(path("model.safetensors") + ": cannot be opened: "));
}
TEST_F(MalformedDirectory, EmptyDirectory) {
  fs::create_directory(directory_ / "empty");
  EXPECT_EQ(open_checkpoint(path("empty")),
            path("empty") + ": contains no model.safetensors, pytorch_model.bin or other checkpoint file");
}
TEST_F(MalformedDirectory, DirectoryWithoutWeights) {
  write_text(directory_ / "tokenizer/tokenizer.json", "{}");
  write_text(directory_ / "tokenizer/config.json", "{}");
  EXPECT_THAT(open_checkpoint(path("tokenizer")), HasSubstr("tokenizer: contains no model.safetensors"));
}
TEST_F(MalformedDirectory, DirectoryWhereAFileShouldBe) {
  fs::create_directories(directory_ / "d/model.safetensors");
  EXPECT_EQ(open_checkpoint(path("d")), path("d/model.safetensors") + ": is not a regular file");
}
TEST_F(MalformedDirectory, SpecialFile) {
  EXPECT_THAT(open_checkpoint("/dev/null"), StartsWith("/dev/null: is not a checkpoint"));
  fs::create_symlink("/dev/zero", directory_ / "endless.safetensors");
  EXPECT_EQ(open_checkpoint(path("endless.safetensors")), path("endless.safetensors") + ": is not a regular file");
}
TEST_F(MalformedDirectory, ConfigThatIsNoJson) {
  for (const char* config : {"", "{", "not JSON", "{\"model_type\": gpt2}", "{\"model_type\":\"\xff\"}", "\x80\x02}."})
    EXPECT_THAT(failure(config), StartsWith(path("model/config.json") + ": ")) << config;
}
TEST_F(MalformedDirectory, ConfigThatIsNoObject) {
  for (const char* config : {"[]", "null", "\"gpt2\"", "1"})
    EXPECT_THAT(failure(config), StartsWith(path("model/config.json") + ": ")) << config;
}
TEST_F(MalformedDirectory, ConfigThatIsADirectory) {
  fs::create_directory(directory_ / "model/config.json");
  EXPECT_EQ(error_of([&] { open_model(path("model")); }), path("model/config.json") + ": is not a regular file");
}

}  // namespace
}  // namespace pare
