// Strided views against their definition: element (i, j, ...) is at offset + i * s0 + j * s1 + ...
#include <gtest/gtest.h>

#include <limits>

#include "checkpoint/torch/strided.h"
#include "unit/checkpoint/torch_builder.h"

namespace pare::checkpoint {
namespace {

constexpr std::uint64_t kHuge = std::numeric_limits<std::uint64_t>::max();

struct Case {
  std::vector<std::uint64_t> shape, strides;
  std::uint64_t offset;
  StridedView view() const { return {offset, shape, strides}; }
};

TEST(StridedEnd, IsOnePastTheLastElement) {
  EXPECT_EQ(strided_end(Case{{}, {}, 5}.view()), 6U);
  EXPECT_EQ(strided_end(Case{{2, 3}, {3, 1}, 0}.view()), 6U);
  EXPECT_EQ(strided_end(Case{{2, 3}, {0, 1}, 4}.view()), 7U);
  EXPECT_EQ(strided_end(Case{{0, 3}, {kHuge, kHuge}, kHuge}.view()), 0U);
}

TEST(StridedEnd, DetectsOverflow) {
  EXPECT_EQ(strided_end(Case{{3}, {kHuge / 2 + 1}, 0}.view()), std::nullopt);
  EXPECT_EQ(strided_end(Case{{2}, {kHuge}, 1}.view()), std::nullopt);
  EXPECT_EQ(strided_end(Case{{}, {}, kHuge}.view()), std::nullopt);
  EXPECT_EQ(strided_end(Case{{kHuge, kHuge}, {1, 1}, 0}.view()), std::nullopt);
}

TEST(IsContiguous, FollowsPyTorch) {
  EXPECT_TRUE(is_contiguous(Case{{}, {}, 3}.view()));
  EXPECT_TRUE(is_contiguous(Case{{2, 3}, {3, 1}, 1}.view()));
  EXPECT_TRUE(is_contiguous(Case{{1, 3}, {99, 1}, 0}.view()));  // the stride of an extent of 1 is free
  EXPECT_TRUE(is_contiguous(Case{{2, 1, 3}, {3, 7, 1}, 0}.view()));
  EXPECT_TRUE(is_contiguous(Case{{4, 0}, {5, 5}, 0}.view()));  // nothing there
  EXPECT_FALSE(is_contiguous(Case{{3, 2}, {1, 3}, 0}.view()));
  EXPECT_FALSE(is_contiguous(Case{{2, 3}, {4, 1}, 0}.view()));
  EXPECT_FALSE(is_contiguous(Case{{3}, {0}, 0}.view()));
}

TEST(CopyStrided, FollowsTheDefinition) {
  for (const unsigned size : {1U, 2U, 4U, 8U, 16U}) {
    const Case view{{3, 2, 4}, {1, 30, 5}, 2};
    std::vector<std::byte> storage(60 * size), found(24 * size);
    for (std::size_t i = 0; i < storage.size(); ++i) storage[i] = static_cast<std::byte>(i * 37 >> 2);
    copy_strided(storage, view.view(), size, found);
    std::size_t at = 0;
    for (std::size_t i = 0; i < 3; ++i)
      for (std::size_t j = 0; j < 2; ++j)
        for (std::size_t k = 0; k < 4; ++k, at += size)
          EXPECT_EQ(std::memcmp(&found[at], &storage[(2 + i + j * 30 + k * 5) * size], size), 0) << size;
  }
}

}  // namespace
}  // namespace pare::checkpoint
