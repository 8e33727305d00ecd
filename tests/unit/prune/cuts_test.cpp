// Cuts against a stable sort of the magnitudes: with torch.topk's counts and ties pruned in order, the result is
// unique.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "prune/criteria/cut_random.h"
#include "prune/criteria/cut_smallest.h"
#include "prune/criteria/random_scores.h"
#include "prune/masks/count_zeros.h"
#include "support/tensors.h"

namespace pare::prune {
namespace {

using test::OwnedTensor;

struct Position {
  std::size_t tensor;
  std::uint64_t index;
};

/// All elements by rising magnitude, NaN last, ties in order.
std::vector<Position> by_magnitude(std::span<const TensorView> tensors) {
  std::vector<Position> order;
  std::vector<std::vector<double>> values;
  for (std::size_t t = 0; t < tensors.size(); ++t) {
    values.push_back(test::values_of(tensors[t]));
    for (std::uint64_t i = 0; i < values[t].size(); ++i) order.push_back({t, i});
  }
  const auto rank = [&](const Position& p) {
    const double w = std::abs(values[p.tensor][p.index]);
    return std::isnan(w) ? std::pair{1, 0.0} : std::pair{0, w};
  };
  std::stable_sort(order.begin(), order.end(), [&](const Position& a, const Position& b) { return rank(a) < rank(b); });
  return order;
}

std::vector<bool> zero_set(const TensorView& tensor) {
  std::vector<bool> zero;
  for (const double w : test::values_of(tensor)) zero.push_back(w == 0);
  return zero;
}

/// The tensor after the mask, assembled from pieces of odd lengths.
OwnedTensor masked(const TensorView& tensor, const Mask& mask) {
  const std::size_t size = dtype_bits(tensor.dtype) / 8;
  std::vector<std::byte> bytes(tensor.bytes.size());
  for (std::uint64_t begin = 0; begin < tensor.elements(); begin += 601) {
    const std::uint64_t n = std::min<std::uint64_t>(601, tensor.elements() - begin);
    mask.copy(tensor, begin, n, bytes.data() + begin * size);
  }
  return OwnedTensor(tensor.dtype, tensor.shape, std::move(bytes));
}

void expect_smallest_cut(const std::vector<TensorView>& tensors, const std::vector<std::uint64_t>& counts) {
  const std::vector<Position> order = by_magnitude(tensors);
  const std::vector<SetCut> cuts = cut_smallest(tensors, counts, Context(2));
  ASSERT_EQ(cuts.size(), counts.size());
  for (std::size_t level = 0; level < counts.size(); ++level) {
    std::vector<std::vector<bool>> expected;
    std::vector<std::uint64_t> pruned(tensors.size(), 0);
    for (const TensorView& tensor : tensors) expected.push_back(zero_set(tensor));
    for (std::uint64_t i = 0; i < counts[level]; ++i) {
      expected[order[i].tensor][order[i].index] = true;
      ++pruned[order[i].tensor];
    }
    for (std::size_t t = 0; t < tensors.size(); ++t) {
      SCOPED_TRACE(testing::Message() << "count " << counts[level] << ", tensor " << t);
      const TensorCut& cut = cuts[level].tensors[t];
      EXPECT_EQ(cut.pruned, pruned[t]);
      const OwnedTensor result = masked(tensors[t], cut.mask);
      EXPECT_EQ(zero_set(result.view()), expected[t]);
    }
  }
}

TEST(CutSmallest, EqualsAStableSortForEveryDtype) {
  for (const DType dtype : test::analyzed_dtypes())
    for (const bool wild : {false, true}) {
      SCOPED_TRACE(std::string(dtype_name(dtype)) + (wild ? " wild" : ""));
      const OwnedTensor a = test::random_tensor(dtype, 3001, 1, wild), b = test::random_tensor(dtype, 9000, 2, wild);
      expect_smallest_cut({a.view(), b.view()}, {0, 1, 1200, 6001, 10801, 11401, 11881, 12001});
    }
}

TEST(CutSmallest, OrdersMixedDtypesByValue) {
  std::vector<OwnedTensor> owners;
  for (const bool with_f64 : {false, true}) {
    std::vector<TensorView> tensors;
    for (const DType dtype : test::analyzed_dtypes())
      if (dtype != DType::kF64 || with_f64)
        tensors.push_back(owners.emplace_back(test::random_tensor(dtype, 2000, 4, true)).view());
    expect_smallest_cut(tensors, {10, 3000, 5000, 9000});
  }
}

TEST(CutSmallest, TakesTiesInOrder) {
  const OwnedTensor a = test::from_floats({1, -1, 2, 1}), b = test::from_floats({-1, 1, 0, 3});
  const std::vector<TensorView> tensors{a.view(), b.view()};
  const std::vector<std::uint64_t> counts{4};
  const SetCut cut = cut_smallest(tensors, counts, Context(1)).at(0);  // the 0, then three of five ones
  EXPECT_EQ(cut.threshold, 1.0);
  EXPECT_EQ(cut.tensors[0].pruned, 3U);
  EXPECT_EQ(cut.tensors[1].pruned, 1U);
  expect_smallest_cut(tensors, {0, 1, 2, 3, 4, 5, 6, 7, 8});
}

TEST(CutSmallest, CutsWithinOneLongRunOfTies) {
  const OwnedTensor ones = test::from_floats(std::vector<float>(20000, -0.5F));
  expect_smallest_cut({ones.view()}, {0, 1, 4095, 4096, 4097, 12345, 20000});
}

TEST(CutSmallest, AcceptsEmptyTensors) {
  const OwnedTensor empty = test::from_floats({}), some = test::from_floats({3, 1, 2});
  expect_smallest_cut({empty.view(), some.view(), empty.view()}, {0, 2, 3});
  const std::vector<std::uint64_t> none{0};
  EXPECT_EQ(cut_smallest({&empty.view(), 1}, none, Context(1)).at(0).tensors[0].pruned, 0U);
}

TEST(CutSmallest, WritesPositiveZeros) {
  const OwnedTensor tensor = test::from_floats({-0.5F, -0.0F, 2.0F});
  const std::vector<std::uint64_t> counts{2};
  const SetCut cut = cut_smallest({&tensor.view(), 1}, counts, Context(1)).at(0);
  const OwnedTensor result = masked(tensor.view(), cut.tensors[0].mask);
  for (const double w : test::values_of(result.view())) EXPECT_FALSE(std::signbit(w));
}

TEST(CountZeros, CountsBothSigns) {
  const OwnedTensor tensor = test::from_floats({0.0F, -0.0F, 1e-45F, 1.0F});
  EXPECT_EQ(count_zeros({&tensor.view(), 1}, Context(1)), std::vector<std::uint64_t>{2});
}

TEST(CutRandom, RemovesExactlyKAndTheSameForAnyThreadCount) {
  const OwnedTensor a = test::from_floats(std::vector<float>(300001, 1.0F));
  const OwnedTensor b = test::from_floats(std::vector<float>(5000, 1.0F));
  const std::vector<TensorView> tensors{a.view(), b.view()};
  const std::vector<std::uint64_t> counts{0, 1, 152500, 305001};
  const std::vector<SetCut> one = cut_random(tensors, 0, counts, 9, Context(1)),
                            two = cut_random(tensors, 0, counts, 9, Context(2));
  for (std::size_t level = 0; level < counts.size(); ++level) {
    std::uint64_t zeros = 0;
    for (std::size_t t = 0; t < tensors.size(); ++t) {
      EXPECT_EQ(one[level].tensors[t].mask, two[level].tensors[t].mask);
      const TensorCut& cut = one[level].tensors[t];
      const OwnedTensor result = masked(tensors[t], cut.mask);
      const std::vector<bool> zero = zero_set(result.view());
      const auto here = static_cast<std::uint64_t>(std::count(zero.begin(), zero.end(), true));
      EXPECT_EQ(here, cut.pruned);
      EXPECT_EQ(cut.mask.zeros(tensors[t], Context(2)), here);
      zeros += here;
    }
    EXPECT_EQ(zeros, counts[level]);
  }
}

TEST(CutRandom, DrawsUniformlyAndBySeed) {
  const std::size_t n = 1 << 16;
  std::vector<std::uint32_t> first(n), second(n);
  fill_scores(1, 0, n, first.data());
  fill_scores(2, 0, n, second.data());
  EXPECT_NE(first, second);
  // Of 16 runs of 4096 scores, each should have half below the middle: 2048 with a deviation of 32.
  for (std::size_t run = 0; run < 16; ++run) {
    const auto begin = first.begin() + static_cast<std::ptrdiff_t>(run * 4096);
    const auto low = std::count_if(begin, begin + 4096, [](std::uint32_t score) { return score < (1U << 30); });
    EXPECT_NEAR(static_cast<double>(low), 2048, 6 * 32);
  }
  std::vector<std::uint32_t> later(100);
  fill_scores(1, 1000, 100, later.data());
  EXPECT_TRUE(std::equal(later.begin(), later.end(), first.begin() + 1000));
}

}  // namespace
}  // namespace pare::prune
