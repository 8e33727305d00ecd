// Files that compressed-tensors writes as "sparse-bitmask", recognized by names only, with one corruption each.
#include <gtest/gtest.h>

#include "malformed/packed_file.h"

namespace pare::test {
namespace {

std::string reference_failure(std::vector<Part> parts) {
  std::string data;
  for (const Part& part : parts) data += part.data;
  return failure(safetensors(header_of(parts, R"("__metadata__":{"format":"pt"})"), data));
}

TEST(MalformedSparseBitmask, TheGoodOneIsRead) { EXPECT_EQ(reference_failure(bitmask().parts), ""); }
TEST(MalformedSparseBitmask, MissingParts) {
  for (const std::size_t part : {2, 3}) {
    std::vector<Part> parts = bitmask().parts;
    const std::string name = parts[part].name;
    parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(part));
    EXPECT_EQ(reference_failure(parts), tensor_error("its part '" + name + "' is missing from the file"));
  }
  // Only both names together mean that a tensor was packed.
  std::vector<Part> parts = bitmask().parts;
  parts.erase(parts.begin());
  EXPECT_EQ(reference_failure(parts), "");
}
TEST(MalformedSparseBitmask, Shape) {
  std::vector<Part> parts = bitmask().parts;
  parts[2].data = u64({2, ~std::uint64_t{0}});
  EXPECT_EQ(reference_failure(parts), tensor_error("its shape holds -1"));
  parts[2].data = u64({1ULL << 62, 20});
  EXPECT_EQ(reference_failure(parts), tensor_error("the product of its shape overflows"));
  parts[2].data = u64({2, 24});
  EXPECT_EQ(reference_failure(parts), "") << "nothing contradicts it";
  parts[2].data = u64({2, 25});
  EXPECT_EQ(reference_failure(parts),
            tensor_error("there are 6 bytes of bitmask; its shape and number of values need 8"));
  parts[2].data = u64({2, 19});
  EXPECT_EQ(reference_failure(parts),
            tensor_error("its bitmask has bits beyond a row's end, or not as many as there are values"));
}
TEST(MalformedSparseBitmask, Counts) {
  std::vector<Part> parts = bitmask().parts;
  parts[1].shape = "[3]";
  parts[1].data.pop_back();
  EXPECT_EQ(reference_failure(parts),
            tensor_error("its bitmask has bits beyond a row's end, or not as many as there are values"));
}
TEST(MalformedSparseBitmask, HeldTwice) {
  std::vector<Part> parts = bitmask().parts;
  parts.push_back({"m.weight", "F8_E4M3", "[1]", "x"});
  EXPECT_EQ(reference_failure(parts), tensor_error("the file holds it both packed and unpacked"));
}

}  // namespace
}  // namespace pare::test
