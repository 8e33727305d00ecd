// Sizes from files: the largest value that fits, and the first that does not.
#include "base/checked.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace pare::base {
namespace {

constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();

std::optional<std::uint64_t> product(const std::vector<std::uint64_t>& shape) { return checked_product(shape); }

TEST(Checked, AddsUpToTheLargestNumber) {
  EXPECT_EQ(checked_add(kMax - 1, 1), kMax);
  EXPECT_EQ(checked_add(0, kMax), kMax);
  EXPECT_EQ(checked_add(kMax, 1), std::nullopt);
  EXPECT_EQ(checked_add(kMax, kMax), std::nullopt);
}

TEST(Checked, MultipliesUpToTheLargestNumber) {
  EXPECT_EQ(checked_multiply(kMax, 1), kMax);
  EXPECT_EQ(checked_multiply(kMax, 0), 0U);
  EXPECT_EQ(checked_multiply((1ULL << 32) - 1, (1ULL << 32) + 1), kMax);  // 2^64 - 1 = (2^32 - 1)(2^32 + 1)
  EXPECT_EQ(checked_multiply(1ULL << 32, 1ULL << 32), std::nullopt);      // 2^64 itself, which wraps to 0
  EXPECT_EQ(checked_multiply(kMax, 2), std::nullopt);
}

TEST(Checked, ProductOfAShape) {
  EXPECT_EQ(product({}), 1U);  // a scalar
  EXPECT_EQ(product({3, 4, 5}), 60U);
  EXPECT_EQ(product({7, 0, 9}), 0U);
  EXPECT_EQ(product({1ULL << 31, 1ULL << 32}), 1ULL << 63);
}

TEST(Checked, ProductThatOverflows) {
  EXPECT_EQ(product({1ULL << 32, 1ULL << 32}), std::nullopt);
  EXPECT_EQ(product({1ULL << 16, 1ULL << 16, 1ULL << 16, 1ULL << 16}), std::nullopt);
  EXPECT_EQ(product({kMax, kMax}), std::nullopt);
  // Checked step by step from the left, as the reference implementation of safetensors does.
  EXPECT_EQ(product({kMax, 2, 0}), std::nullopt);
  EXPECT_EQ(product({0, kMax, 2}), 0U);
}

}  // namespace
}  // namespace pare::base
