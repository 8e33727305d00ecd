// One named corruption of an index (*.index.json) per field, and shards that do not fit it.
#include "checkpoint/index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pare/checkpoint.h"
#include "support/errors.h"
#include "support/safetensors.h"

namespace pare {
namespace {

using test::error_of;
using test::safetensors_of;
using test::ThrowsError;
using test::write_text;
using testing::HasSubstr;
using testing::StartsWith;
namespace fs = std::filesystem;

constexpr const char* kFile = "m.index.json: ";

std::string failure(std::string_view text) {
  const std::vector<char> block(text.begin(), text.end());  // of exactly the text's size, for the sanitizers
  return error_of([&] { checkpoint::parse_index({block.data(), block.size()}, "m.index.json"); });
}
std::string with_shard(std::string_view shard) { return failure(R"({"weight_map":{"w":)" + std::string(shard) + "}}"); }

TEST(MalformedIndex, TheGoodOneIsRead) { EXPECT_EQ(with_shard(R"("x.safetensors")"), ""); }

TEST(MalformedIndex, NoJson) {
  for (const char* text : {" ", "{", "weight_map", R"({"weight_map":{"w":"x"})", "{\"\xff\":1}", "\x80\x02}."})
    EXPECT_THAT(failure(text), StartsWith(std::string(kFile) + "the index is not valid JSON: ")) << text;
}
TEST(MalformedIndex, Empty) { EXPECT_EQ(failure(""), std::string(kFile) + "the index is empty"); }
TEST(MalformedIndex, NoObject) {
  for (const char* text : {"[]", "null", "1", "\"weight_map\""})
    EXPECT_EQ(failure(text), std::string(kFile) + "the index has no 'weight_map' object") << text;
}
TEST(MalformedIndex, NoWeightMap) {
  for (const char* text : {"{}", R"({"metadata":{}})", R"({"weight_map":null})", R"({"weight_map":["x"]})",
                           R"({"weight_map":"x.safetensors"})"})
    EXPECT_EQ(failure(text), std::string(kFile) + "the index has no 'weight_map' object") << text;
}
TEST(MalformedIndex, NoTensors) {
  EXPECT_EQ(failure(R"({"weight_map":{}})"), std::string(kFile) + "the index names no tensor");
}
TEST(MalformedIndex, ShardThatIsNoString) {
  for (const char* shard : {"null", "1", R"(["x"])", "{}"})
    EXPECT_EQ(with_shard(shard), std::string(kFile) + "tensor 'w': its entry in 'weight_map' is not a file name")
        << shard;
}
TEST(MalformedIndex, ShardThatLeadsOutside) {
  for (const char* shard : {"../x.safetensors", "/etc/x.safetensors", "./x.safetensors", "..", ".", "", "x/", "a//x",
                            "a/../../x", R"(..\\x.safetensors)", R"(C:\\x.safetensors)", R"(x\u002f..\u002fy)"})
    EXPECT_THAT(with_shard("\"" + std::string(shard) + "\""),
                testing::AllOf(StartsWith(std::string(kFile) + "tensor 'w': shard '"),
                               HasSubstr("' is not a file below the directory of the index")))
        << shard;
  EXPECT_THAT(with_shard(R"("x.safetensors\u0000.txt")"), HasSubstr("is not a file below"));
}
TEST(MalformedIndex, OfANameGivenTwiceTheLastCounts) {
  EXPECT_THAT(checkpoint::parse_index(R"({"weight_map":{"w":"x","\u0077":"y"}})", "i").shards(),
              testing::ElementsAre("y"));
}
TEST(MalformedIndex, DeepNestingEndsSoon) {
  EXPECT_THAT(failure("{\"weight_map\":" + std::string(1'000'000, '{')), HasSubstr("the index is not valid JSON"));
}
TEST(MalformedIndex, TruncatedAnywhere) {
  const std::string text = R"({"metadata":{"total_size":3},"weight_map":{"w":"x.safetensors","v\n":"y.safetensors"}})";
  ASSERT_EQ(failure(text), "");
  for (std::size_t size = 0; size < text.size(); ++size)
    EXPECT_THAT(failure(text.substr(0, size)), StartsWith(kFile)) << size;
}
TEST(MalformedIndex, EveryByteChangedNeverCrashes) {
  const std::string text = R"({"metadata":{"total_size":3},"weight_map":{"w":"x.safetensors","v\n":"y.safetensors"}})";
  for (std::size_t i = 0; i < text.size(); ++i) {
    for (unsigned value = 0; value < 256; ++value) {
      std::string changed = text;
      changed[i] = static_cast<char>(value);
      const std::string message = failure(changed);
      if (!message.empty()) {
        EXPECT_THAT(message, StartsWith(kFile)) << i << " " << value;
      }
    }
  }
}

/// An index and its shards on disk.
class MalformedShards : public testing::Test {
 protected:
  MalformedShards() {
    write_text(directory_ / "1.safetensors", safetensors_of({{"a", "1"}, {"b", "2"}}));
    write_text(directory_ / "2.safetensors", safetensors_of({{"c", "3"}}));
  }
  /// The message of opening, without the path of the index.
  std::string failure(const std::string& weight_map) const {
    const std::string index = (directory_ / "model.safetensors.index.json").string();
    write_text(index, "{\"weight_map\":{" + weight_map + "}}");
    std::string message = error_of([&] { Checkpoint::open(directory_.path().string()); });
    if (message.starts_with(index)) message.erase(0, index.size());
    return message;
  }
  test::TemporaryDirectory directory_;
};

constexpr const char* kGood = R"("a":"1.safetensors","b":"1.safetensors","c":"2.safetensors")";

TEST_F(MalformedShards, TheGoodOneIsRead) { EXPECT_EQ(failure(kGood), ""); }

TEST_F(MalformedShards, MissingShard) {
  EXPECT_EQ(failure(std::string(kGood) + R"(,"d":"3.safetensors")"),
            ": names shard '3.safetensors', which does not exist");
}
TEST_F(MalformedShards, ShardWithANameTooLongForAnyFile) {
  const std::string name = std::string(300, 'x') + ".safetensors";
  EXPECT_EQ(failure(R"("a":")" + name + "\""), (directory_ / name).string() + ": cannot be opened: File name too long");
}
TEST_F(MalformedShards, ShardThatIsALinkToItself) {
  fs::remove(directory_ / "2.safetensors");
  fs::create_symlink("2.safetensors", directory_ / "2.safetensors");
  EXPECT_THAT(failure(kGood), StartsWith((directory_ / "2.safetensors").string() + ": cannot be opened: "));
}
TEST_F(MalformedShards, ShardThatIsADirectory) {
  fs::remove(directory_ / "2.safetensors");
  fs::create_directory(directory_ / "2.safetensors");
  EXPECT_EQ(failure(kGood), (directory_ / "2.safetensors").string() + ": is not a regular file");
}
TEST_F(MalformedShards, ShardThatIsAnIndex) {
  EXPECT_EQ(failure(R"("a":"model.safetensors.index.json")"),
            ": names shard 'model.safetensors.index.json', which is not a checkpoint file");
}
TEST_F(MalformedShards, ShardOfAnotherFormat) {
  write_text(directory_ / "config.json", "{}");
  EXPECT_THAT(failure(R"("a":"config.json")"), HasSubstr("config.json: is not a checkpoint (expected .safetensors"));
}
TEST_F(MalformedShards, DamagedShard) {
  write_text(directory_ / "2.safetensors", safetensors_of({{"c", "3"}}) + "x");
  EXPECT_EQ(failure(kGood),
            (directory_ / "2.safetensors").string() + ": tensors cover 1 bytes of data, but the file holds 2");
}
/// Readers take what the shards hold.
TEST_F(MalformedShards, OtherDifferencesAreNotes) {
  const auto note = [&](const std::string& weight_map) {
    EXPECT_EQ(failure(weight_map), "");
    const Checkpoint checkpoint = Checkpoint::open(directory_.path().string());
    EXPECT_EQ(checkpoint.tensors().size(), 3U);
    return checkpoint.notes().size() == 1 ? checkpoint.notes()[0] : "";
  };
  EXPECT_EQ(note(std::string(kGood) + R"(,"d":"2.safetensors")"),
            "model.safetensors.index.json: 1 tensors that it lists are in no shard (d)");
  EXPECT_EQ(note(R"("a":"1.safetensors","b":"2.safetensors","c":"2.safetensors")"),
            "model.safetensors.index.json: 1 tensors are in other shards than it says (b)");
  EXPECT_EQ(note(R"("a":"1.safetensors","c":"2.safetensors")"),
            "model.safetensors.index.json: 1 tensors of its shards are not listed, and are read all the same (b)");
  EXPECT_EQ(note(kGood), "");
}
TEST_F(MalformedShards, TensorInTwoShards) {
  write_text(directory_ / "2.safetensors", safetensors_of({{"a", "9"}, {"c", "3"}}));
  EXPECT_EQ(failure(kGood).substr((directory_ / "2.safetensors").string().size()),
            ": tensor 'a': another file of the checkpoint holds a tensor of this name");
}
TEST_F(MalformedShards, SubfoldersAreRead) {
  fs::create_directory(directory_ / "sub");
  fs::rename(directory_ / "2.safetensors", directory_ / "sub/1.safetensors");
  EXPECT_EQ(failure(R"("a":"1.safetensors","b":"1.safetensors","c":"sub/1.safetensors")"), "");
  const Checkpoint checkpoint = Checkpoint::open(directory_.path().string());
  EXPECT_TRUE(checkpoint.notes().empty());
  EXPECT_EQ(checkpoint.files()[1].output_name, "model-00002-of-00002.safetensors") << "one directory is written";
}

TEST_F(MalformedShards, Codes) {
  const fs::path index = directory_ / "model.safetensors.index.json";
  const auto opening = [&](const std::string& weight_map) {
    write_text(index, "{\"weight_map\":{" + weight_map + "}}");
    return [this] { Checkpoint::open(directory_.path().string()); };
  };
  const std::string good = kGood;
  EXPECT_THAT(opening(""), ThrowsError(ErrorCode::kMalformed, index));
  EXPECT_THAT(opening(good + R"(,"d":"3.safetensors")"),
              ThrowsError(ErrorCode::kNotFound, index, "", {"3.safetensors"}));
  EXPECT_THAT(opening(R"("d":"model.safetensors.index.json")"), ThrowsError(ErrorCode::kMalformed, index));
}

}  // namespace
}  // namespace pare
