// Index files: which shard holds which tensor.
#include "checkpoint/index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pare::checkpoint {
namespace {

using testing::ElementsAre;
using testing::Pair;

ShardIndex parse(std::string_view text) { return parse_index(text, "model.safetensors.index.json"); }

TEST(ShardIndex, ListsShardsOnceAndInOrderOfName) {
  const ShardIndex index = parse(R"({"metadata": {"total_size": 12},
    "weight_map": {"z": "model-00002.safetensors", "a": "model-00010.safetensors", "b": "model-00002.safetensors"}})");
  EXPECT_THAT(index.shards, ElementsAre("model-00002.safetensors", "model-00010.safetensors"));
  EXPECT_THAT(index.weight_map, ElementsAre(Pair("a", "model-00010.safetensors"), Pair("b", "model-00002.safetensors"),
                                            Pair("z", "model-00002.safetensors")));
}

TEST(ShardIndex, NeedsNothingButTheMap) {
  EXPECT_THAT(parse(R"({"weight_map":{"a":"x.bin"}})").shards, ElementsAre("x.bin"));
  EXPECT_THAT(parse(R"({"weight_map":{"a":"x.bin"},"metadata":null,"other":[1]})").shards, ElementsAre("x.bin"));
}

TEST(ShardIndex, DotsAndSpacesInNamesAreNoPath) {
  EXPECT_THAT(parse(R"({"weight_map":{"a":"..x.bin","b":"a b.bin","c":"...","d":"重み.bin"}})").shards,
              ElementsAre("...", "..x.bin", "a b.bin", "重み.bin"));
}

}  // namespace
}  // namespace pare::checkpoint
