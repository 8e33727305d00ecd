// Index files: which shard holds which tensor.
#include "checkpoint/index.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

namespace pare::checkpoint {
namespace {

using testing::ElementsAre;

ShardIndex parse(std::string_view text) { return parse_index(text, "model.safetensors.index.json"); }

TEST(ShardIndex, ListsShardsOnceAndInOrderOfName) {
  const ShardIndex index = parse(R"({"metadata": {"total_size": 12},
    "weight_map": {"z": "model-00002.safetensors", "a": "model-00010.safetensors", "b": "model-00002.safetensors"}})");
  EXPECT_THAT(index.shards(), ElementsAre("model-00002.safetensors", "model-00010.safetensors"));
  ASSERT_EQ(index.size(), 3U);
  for (const auto& [tensor, shard] : {std::pair("a", std::size_t{1}), {"b", 0}, {"z", 0}}) {
    const std::optional<std::size_t> entry = index.find(tensor);
    ASSERT_TRUE(entry) << tensor;
    EXPECT_EQ(index.tensor(*entry), tensor);
    EXPECT_EQ(index.shard(*entry), shard) << tensor;
  }
  EXPECT_FALSE(index.find("c"));
}

TEST(ShardIndex, FindsEachOfManyNamesOfWhichTheLastEntryCounts) {
  std::string text = R"({"weight_map":{)";
  for (const int round : {0, 1})
    for (int i = 0; i < 3000; ++i)
      text +=
          fmt::format(R"({}"layers.{}.weight":"{}-{}")", i + round == 0 ? "" : ",", i, round == 0 ? 'a' : 'b', i % 7);
  const ShardIndex index = parse(text + "}}");
  EXPECT_THAT(index.shards(), ElementsAre("b-0", "b-1", "b-2", "b-3", "b-4", "b-5", "b-6"));
  ASSERT_EQ(index.size(), 3000U);
  for (int i = 0; i < 3000; ++i) {
    const std::optional<std::size_t> entry = index.find(fmt::format("layers.{}.weight", i));
    ASSERT_TRUE(entry) << i;
    EXPECT_EQ(index.shard(*entry), static_cast<std::size_t>(i % 7));
  }
  EXPECT_FALSE(index.find("layers.3000.weight"));
}

TEST(ShardIndex, IsComparedWithWhatShardsHold) {
  const ShardIndex index = parse(R"({"weight_map":{"z":"1","d":"1","a":"1","b":"2"}})");
  IndexComparison comparison(index);
  EXPECT_THAT(IndexComparison(index).notes("f"), ElementsAre("f: 4 tensors that it lists are in no shard (a, ...)"));
  for (const char* tensor : {"a", "x", "b", "y"}) comparison.see(0, tensor);
  EXPECT_THAT(comparison.notes("f"),
              ElementsAre("f: 2 tensors of its shards are not listed, and are read all the same (x, ...)",
                          "f: 1 tensors are in other shards than it says (b)",
                          "f: 2 tensors that it lists are in no shard (d, ...)"));
}

TEST(ShardIndex, NeedsNothingButTheMap) {
  EXPECT_THAT(parse(R"({"weight_map":{"a":"x.bin"}})").shards(), ElementsAre("x.bin"));
  EXPECT_THAT(parse(R"({"weight_map":{"a":"x.bin"},"metadata":null,"other":[1]})").shards(), ElementsAre("x.bin"));
}

TEST(ShardIndex, DotsAndSpacesInNamesAreNoPath) {
  EXPECT_THAT(parse(R"({"weight_map":{"a":"..x.bin","b":"a b.bin","c":"...","d":"重み.bin"}})").shards(),
              ElementsAre("...", "..x.bin", "a b.bin", "重み.bin"));
}

}  // namespace
}  // namespace pare::checkpoint
