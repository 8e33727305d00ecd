// Statistics of every dtype against plain loops over doubles.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "pare/error.h"
#include "pare/stats.h"
#include "stats/float_format.h"
#include "support/tensors.h"

namespace pare {
namespace {

using test::OwnedTensor;
using test::random_tensor;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
const double kNan = std::numeric_limits<double>::quiet_NaN();

/// c as the dtype rounds it: the nearest of all its values, ties to the even pattern.
double rounded(DType dtype, double c) {
  if (dtype == DType::kF64) return c;
  if (dtype == DType::kF32) return static_cast<float>(c);
  double best = 0;
  for (std::uint64_t pattern = 0; pattern < 1ULL << (dtype_bits(dtype) - 1); ++pattern) {
    const double value = test::decode(dtype, pattern);
    if (!std::isfinite(value)) continue;
    const double gap = std::abs(value - c), best_gap = std::abs(best - c);
    if (gap < best_gap || (gap == best_gap && pattern % 2 == 0)) best = value;
  }
  return best;
}

Stats naive(const TensorView& tensor, const std::vector<double>& cutoffs) {
  Stats stats;
  bool any = false;
  std::vector<double> exact;
  for (const double c : cutoffs) {
    stats.cutoffs.push_back({c, 0, 0});
    exact.push_back(rounded(tensor.dtype, c));
  }
  for (const double w : test::values_of(tensor)) {
    ++stats.count;
    if (std::isnan(w)) {
      ++stats.nans;
      continue;
    }
    stats.min = any ? std::min(stats.min, w) : w;
    stats.max = any ? std::max(stats.max, w) : w;
    any = true;
    stats.max_magnitude = std::max(stats.max_magnitude, std::abs(w));
    stats.zeros += w == 0;
    stats.positive_infinities += w == kInfinity;
    stats.negative_infinities += w == -kInfinity;
    if (std::isfinite(w)) {
      stats.sum += w;
      stats.sum_of_squares += w * w;
    }
    for (std::size_t i = 0; i < exact.size(); ++i) {
      stats.cutoffs[i].above += std::abs(w) > exact[i];
      stats.cutoffs[i].inside += 0 <= w && w < exact[i];
    }
  }
  return stats;
}

void expect_equal(const Stats& stats, const Stats& expected) {
  EXPECT_EQ(stats.count, expected.count);
  EXPECT_EQ(stats.zeros, expected.zeros);
  EXPECT_EQ(stats.nans, expected.nans);
  EXPECT_EQ(stats.positive_infinities, expected.positive_infinities);
  EXPECT_EQ(stats.negative_infinities, expected.negative_infinities);
  EXPECT_EQ(stats.min, expected.min);
  EXPECT_EQ(stats.max, expected.max);
  EXPECT_EQ(stats.max_magnitude, expected.max_magnitude);
  ASSERT_EQ(stats.cutoffs.size(), expected.cutoffs.size());
  for (std::size_t i = 0; i < stats.cutoffs.size(); ++i) {
    EXPECT_EQ(stats.cutoffs[i].above, expected.cutoffs[i].above) << "cutoff " << stats.cutoffs[i].cutoff;
    EXPECT_EQ(stats.cutoffs[i].inside, expected.cutoffs[i].inside) << "cutoff " << stats.cutoffs[i].cutoff;
  }
}

class EveryDtype : public testing::TestWithParam<DType> {};

TEST_P(EveryDtype, StatisticsEqualAPlainLoop) {
  ScanOptions options;
  options.cutoffs = {0.1, 0, 1, 2, 5, 400};
  for (const std::size_t n : {0UL, 1UL, 5UL, 4095UL, 4096UL, 20001UL})
    for (const bool wild : {false, true}) {
      SCOPED_TRACE(testing::Message() << n << (wild ? " wild" : " tame") << " elements");
      const OwnedTensor tensor = random_tensor(GetParam(), n, n + 1, wild);
      const Stats stats = scan({&tensor.view(), 1}, options).tensors.at(0);
      const Stats expected = naive(tensor.view(), options.cutoffs);
      expect_equal(stats, expected);
      if (wild && GetParam() == DType::kF64) continue;  // squares of random doubles overflow, and sums cancel
      const double scale = std::sqrt(expected.sum_of_squares * static_cast<double>(n)) + 1e-300;
      EXPECT_NEAR(stats.sum, expected.sum, 1e-12 * scale);
      EXPECT_NEAR(stats.sum_of_squares, expected.sum_of_squares, 1e-12 * expected.sum_of_squares);
    }
}

TEST_P(EveryDtype, NothingDependsOnTheNumberOfThreads) {
  std::vector<OwnedTensor> owners;
  std::vector<TensorView> tensors;
  for (const std::size_t n : {3UL, 300000UL, 70000UL})
    tensors.push_back(owners.emplace_back(random_tensor(GetParam(), n, n, true)).view());
  ScanOptions options;
  options.sketches = true;
  options.largest = 7;
  const ScanResult one = scan(tensors, options, Context(1));
  const ScanResult three = scan(tensors, options, Context(3));
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    expect_equal(three.tensors[i], one.tensors[i]);
    EXPECT_EQ(std::bit_cast<std::uint64_t>(three.tensors[i].sum), std::bit_cast<std::uint64_t>(one.tensors[i].sum));
    EXPECT_EQ(std::bit_cast<std::uint64_t>(three.tensors[i].sum_of_squares),
              std::bit_cast<std::uint64_t>(one.tensors[i].sum_of_squares));
    EXPECT_EQ(three.sketches[i], one.sketches[i]);
  }
  ASSERT_EQ(three.largest.size(), 7U);
  for (std::size_t i = 0; i < 7; ++i) {
    EXPECT_EQ(three.largest[i].tensor, one.largest[i].tensor);
    EXPECT_EQ(three.largest[i].index, one.largest[i].index);
  }
}

TEST_P(EveryDtype, SketchesAddUpToTheSketchOfTheWhole) {
  const OwnedTensor whole = random_tensor(GetParam(), 9000, 5, true);
  const std::size_t size = dtype_bits(GetParam()) / 8;
  TensorView left = whole.view(), right = whole.view();
  left.shape = {1234};
  left.bytes = whole.view().bytes.first(1234 * size);
  right.shape = {9000 - 1234};
  right.bytes = whole.view().bytes.subspan(1234 * size);
  Sketch sum = magnitude_sketch({&left, 1}).at(0);
  sum.add(magnitude_sketch({&right, 1}).at(0));
  const Sketch sketch = magnitude_sketch({&whole.view(), 1}).at(0);
  EXPECT_EQ(sum, sketch);
  const std::vector<TensorView> both{right, left};
  EXPECT_EQ(magnitude_sketch(both).at(0), sketch);
  std::uint64_t counted = 0;
  for (const Sketch::Bin& bin : sketch.bins()) counted += bin.positive + bin.negative;
  EXPECT_EQ(counted, 9000U);
}

TEST_P(EveryDtype, SketchBinsHoldTheValuesBetweenTheirEdges) {
  const OwnedTensor tensor = random_tensor(GetParam(), 3000, 6, false);
  const std::vector<double> values = test::values_of(tensor.view());
  const Sketch sketch = magnitude_sketch({&tensor.view(), 1}).at(0);
  for (const Sketch::Bin& bin : sketch.bins()) {
    const double low = sketch.lower_edge(bin.key), high = sketch.lower_edge(bin.key + 1);
    const auto held =
        std::count_if(values.begin(), values.end(), [&](double w) { return low <= std::abs(w) && std::abs(w) < high; });
    ASSERT_EQ(static_cast<std::uint64_t>(held), bin.positive + bin.negative) << "bin from " << low;
  }
}

TEST_P(EveryDtype, LargestAreThoseOfASort) {
  std::vector<OwnedTensor> owners;
  std::vector<TensorView> tensors;
  std::vector<Outlier> expected;
  for (std::size_t i = 0; i < 3; ++i) {
    tensors.push_back(owners.emplace_back(random_tensor(GetParam(), 5000 * (i + 1), i, true)).view());
    const std::vector<double> values = test::values_of(tensors[i]);
    for (std::size_t k = 0; k < values.size(); ++k)
      if (!std::isnan(values[k])) expected.push_back({i, k, values[k]});
  }
  std::stable_sort(expected.begin(), expected.end(),
                   [](const Outlier& a, const Outlier& b) { return std::abs(a.value) > std::abs(b.value); });
  ScanOptions options;
  options.largest = 50;
  const std::vector<Outlier> largest = scan(tensors, options).largest;
  ASSERT_EQ(largest.size(), 50U);
  for (std::size_t i = 0; i < largest.size(); ++i) {
    EXPECT_EQ(largest[i].tensor, expected[i].tensor) << i;
    EXPECT_EQ(largest[i].index, expected[i].index) << i;
    EXPECT_EQ(largest[i].value, expected[i].value) << i;
  }
}

TEST_P(EveryDtype, HistogramEqualsAPlainLoop) {
  const OwnedTensor tensor = random_tensor(GetParam(), 30000, 8, true);
  for (const Measure measure : {Measure::kMagnitude, Measure::kSigned}) {
    const Histogram counted = histogram({&tensor.view(), 1}, measure, measure == Measure::kSigned ? -0.5 : 0.0, 5, 50);
    Histogram expected{counted.low, 5, std::vector<std::uint64_t>(50, 0), 0, 0, 0};
    std::vector<double> edges;
    for (int i = 0; i <= 50; ++i) {
      const double edge = expected.low + i * (5 - expected.low) / 50;
      edges.push_back(std::copysign(rounded(GetParam(), std::abs(edge)), edge));
    }
    for (double w : test::values_of(tensor.view())) {
      if (measure == Measure::kMagnitude) w = std::abs(w);
      if (std::isnan(w)) {
        ++expected.nans;
      } else if (w < edges[0]) {
        ++expected.below;
      } else if (w >= edges[50]) {
        ++expected.beyond;
      } else {
        for (std::size_t bin = 0; bin < 50; ++bin) expected.counts[bin] += edges[bin] <= w && w < edges[bin + 1];
      }
    }
    EXPECT_EQ(counted.counts, expected.counts);
    EXPECT_EQ(counted.below, expected.below);
    EXPECT_EQ(counted.beyond, expected.beyond);
    EXPECT_EQ(counted.nans, expected.nans);
  }
}

TEST_P(EveryDtype, KeysAndValuesGoBothWays) {
  const stats::FloatFormat& format = stats::float_format(GetParam());
  const unsigned bits = dtype_bits(GetParam());
  for (std::uint64_t step = 0; step < 1 << 15; ++step) {
    const std::uint64_t key = bits <= 16 ? step % (1ULL << (bits - 1)) : step * (format.sign_bit() >> 15) + step;
    const double value = test::decode(GetParam(), key);
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(stats::key_value(format, key)));
      continue;
    }
    ASSERT_EQ(stats::key_value(format, key), value);
    ASSERT_EQ(stats::rounded_key(format, value), key);
    ASSERT_EQ(stats::ceiling_key(format, value), key);
  }
}

INSTANTIATE_TEST_SUITE_P(Analyzed, EveryDtype, testing::ValuesIn(test::analyzed_dtypes()),
                         [](const auto& each) { return std::string(dtype_name(each.param)); });

TEST(Scan, MeasuresOnAWorkedExample) {
  // c = 0.1 rounds to 0.100000001490116 in F32, which is what the third element holds.
  const OwnedTensor tensor = test::from_floats({0.0F, -0.0F, 0.1F, -0.1F, 0.11F, -3.0F, 0.05F, -0.05F});
  const Stats stats = scan({&tensor.view(), 1}).tensors.at(0);
  EXPECT_DOUBLE_EQ(stats.share(Measure::kMagnitude), 2.0 / 8);  // 0.11 and -3
  EXPECT_DOUBLE_EQ(stats.share(Measure::kSigned), 5.0 / 8);     // 0.1, -0.1, 0.11, -3, -0.05
  EXPECT_DOUBLE_EQ(stats.sparsity(), 2.0 / 8);
}

TEST(Scan, NothingIsAboveACutoffThatOverflowsTheDtype) {
  // As PyTorch, which casts the cutoff first: half(1e9) is infinity, and float8_e4m3fn(1e9) NaN.
  for (const DType dtype : {DType::kF16, DType::kF8E4M3}) {
    const OwnedTensor tensor = random_tensor(dtype, 1000, 1, true);
    ScanOptions options;
    options.cutoffs = {1e9};
    EXPECT_EQ(scan({&tensor.view(), 1}, options).tensors.at(0).cutoffs[0].above, 0U);
  }
}

TEST(Scan, NanIsBigInNeitherMeasure) {
  const OwnedTensor tensor = test::from_doubles({kNan, -kNan, 1, -1});
  const Stats stats = scan({&tensor.view(), 1}).tensors.at(0);
  EXPECT_EQ(stats.nans, 2U);
  EXPECT_DOUBLE_EQ(stats.share(Measure::kMagnitude), 0.5);
  EXPECT_DOUBLE_EQ(stats.share(Measure::kSigned), 0.5);
  EXPECT_EQ(stats.mean(), 0);
}

TEST(Scan, StandardDeviationDividesByOneLess) {
  const OwnedTensor tensor = test::from_doubles({1, 2, 3, 4});
  EXPECT_DOUBLE_EQ(scan({&tensor.view(), 1}).tensors.at(0).std(), std::sqrt(5.0 / 3));
  const OwnedTensor one = test::from_doubles({1});
  EXPECT_TRUE(std::isnan(scan({&one.view(), 1}).tensors.at(0).std()));
}

TEST(Scan, RefusesIntegers) {
  const OwnedTensor tensor = test::from_patterns<std::int32_t>(DType::kI32, {1, 2});
  EXPECT_THROW(scan({&tensor.view(), 1}), Error);
}

TEST(Scan, ReportsAllBytesAsProgress) {
  const OwnedTensor tensor = random_tensor(DType::kF32, 700000, 1, false);
  std::uint64_t most = 0;
  double last = 0;
  scan({&tensor.view(), 1}, {}, Context(1, [&](const Progress& progress) {
         most = std::max(most, progress.bytes);
         last = progress.fraction;
       }));
  EXPECT_EQ(most, 700000U * 4);
  EXPECT_EQ(last, 1);
}

}  // namespace
}  // namespace pare
