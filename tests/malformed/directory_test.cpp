// Paths that are not models: missing, empty, or with an invalid configuration.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "pare/model.h"
#include "support/errors.h"
#include "support/safetensors.h"

namespace pare {
namespace {

using test::ThrowsError;
using test::write_text;
namespace fs = std::filesystem;

class MalformedDirectory : public testing::Test {
 protected:
  MalformedDirectory() {
    ::setenv("HF_HUB_CACHE", (directory_ / "hub").c_str(), 1);  // an empty one
    write_text(directory_ / "model/model.safetensors",
               test::safetensors(R"({"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", "abcd"));
  }
  ~MalformedDirectory() override { ::unsetenv("HF_HUB_CACHE"); }
  static std::function<void()> opening(const std::string& where) {
    return [where] { Checkpoint::open(where); };
  }
  void open_with(const std::string& config) const {
    write_text(directory_ / "model/config.json", config);
    open_model((directory_ / "model").string());
  }
  std::string path(const std::string& name) const { return (directory_ / name).string(); }
  test::TemporaryDirectory directory_;
};

TEST_F(MalformedDirectory, TheGoodOneIsRead) { EXPECT_NO_THROW(open_with("{}")); }

TEST_F(MalformedDirectory, LayerNumberThatIsTooLarge) {
  const std::string name = "h.99999999.ln_1.bias", file = path("model/model.safetensors");
  write_text(file,
             test::safetensors(R"({")" + name + R"(":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", "abcd"));
  EXPECT_THAT([&] { open_with(R"({"model_type":"gpt2"})"); }, ThrowsError(ErrorCode::kLimit, file, name, {"10000"}));
  EXPECT_THAT([&] { open_with(R"({"model_type":"bert","num_hidden_layers":1000000000})"); },
              ThrowsError(ErrorCode::kLimit, path("model/config.json"), "", {"num_hidden_layers", "1000000000"}));
}

TEST_F(MalformedDirectory, MissingPath) {
  for (const char* name : {"gone", "model/model.safetensors/x", "gone.safetensors"})
    EXPECT_THAT(opening(path(name)), ThrowsError(ErrorCode::kNotFound, path(name)));
  EXPECT_THAT(opening("no-such/model"), ThrowsError(ErrorCode::kNotFound, "no-such/model", "", {path("hub")}));
}
TEST_F(MalformedDirectory, EmptyPath) { EXPECT_THAT(opening(""), ThrowsError(ErrorCode::kNotFound)); }

TEST_F(MalformedDirectory, PathTooLong) {
  const std::string name = path(std::string(300, 'x'));
  EXPECT_THAT(opening(name), ThrowsError(ErrorCode::kIo, name));
}
TEST_F(MalformedDirectory, LinkToNothingAndToItself) {
  fs::create_symlink("gone", directory_ / "dangling.safetensors");
  EXPECT_THAT(opening(path("dangling.safetensors")), ThrowsError(ErrorCode::kNotFound, path("dangling.safetensors")));
  fs::create_symlink("loop.safetensors", directory_ / "loop.safetensors");
  EXPECT_THAT(opening(path("loop.safetensors")), ThrowsError(ErrorCode::kIo, path("loop.safetensors")));
  fs::create_symlink("model.safetensors", directory_ / "model.safetensors");
  EXPECT_THAT(opening(directory_.path().string()), ThrowsError(ErrorCode::kIo, path("model.safetensors")));
}
TEST_F(MalformedDirectory, EmptyDirectory) {
  fs::create_directory(directory_ / "empty");
  EXPECT_THAT(opening(path("empty")), ThrowsError(ErrorCode::kNotFound, path("empty")));
}
TEST_F(MalformedDirectory, DirectoryWithoutWeights) {
  write_text(directory_ / "tokenizer/tokenizer.json", "{}");
  write_text(directory_ / "tokenizer/config.json", "{}");
  EXPECT_THAT(opening(path("tokenizer")), ThrowsError(ErrorCode::kNotFound, path("tokenizer")));
}
TEST_F(MalformedDirectory, DirectoryWithSeveralCheckpoints) {
  write_text(directory_ / "several/1.safetensors", "");
  write_text(directory_ / "several/2.safetensors", "");
  EXPECT_THAT(opening(path("several")), ThrowsError(ErrorCode::kArgument, path("several"), "", {"2"}));
}
TEST_F(MalformedDirectory, DirectoryWhereAFileShouldBe) {
  fs::create_directories(directory_ / "d/model.safetensors");
  EXPECT_THAT(opening(path("d")), ThrowsError(ErrorCode::kIo, path("d/model.safetensors")));
}
TEST_F(MalformedDirectory, SpecialFile) {
  EXPECT_THAT(opening("/dev/null"), ThrowsError(ErrorCode::kUnsupported, "/dev/null"));
  fs::create_symlink("/dev/zero", directory_ / "endless.safetensors");
  EXPECT_THAT(opening(path("endless.safetensors")), ThrowsError(ErrorCode::kIo, path("endless.safetensors")));
}
TEST_F(MalformedDirectory, ConfigThatIsNoJson) {
  for (const char* config : {"", "{", "not JSON", "{\"model_type\": gpt2}", "{\"model_type\":\"\xff\"}", "\x80\x02}."})
    EXPECT_THAT([&] { open_with(config); }, ThrowsError(ErrorCode::kMalformed, path("model/config.json"))) << config;
}
TEST_F(MalformedDirectory, ConfigThatIsNoObject) {
  for (const char* config : {"[]", "null", "\"gpt2\"", "1"})
    EXPECT_THAT([&] { open_with(config); }, ThrowsError(ErrorCode::kMalformed, path("model/config.json"))) << config;
}
TEST_F(MalformedDirectory, ConfigThatIsADirectory) {
  fs::create_directory(directory_ / "model/config.json");
  EXPECT_THAT([&] { open_model(path("model")); }, ThrowsError(ErrorCode::kIo, path("model/config.json")));
}

}  // namespace
}  // namespace pare
