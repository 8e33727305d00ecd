#include <gtest/gtest.h>

#include <cmath>

#include "pare/stats.h"
#include "stats/rank.h"
#include "support/tensors.h"

namespace pare {
namespace {

using test::OwnedTensor;

/// numpy.quantile's default ("linear") on |w| without NaNs.
double sorted_quantile(const std::vector<double>& values, double p) {
  std::vector<double> magnitudes;
  for (const double w : values)
    if (!std::isnan(w)) magnitudes.push_back(std::abs(w));
  std::sort(magnitudes.begin(), magnitudes.end());
  const double position = p * static_cast<double>(magnitudes.size() - 1);
  const auto below = static_cast<std::size_t>(position);
  const std::size_t above = std::min(below + 1, magnitudes.size() - 1);
  if (magnitudes[below] == magnitudes[above]) return magnitudes[below];
  return magnitudes[below] + (magnitudes[above] - magnitudes[below]) * (position - static_cast<double>(below));
}

const std::vector<double> kFractions{0, 0.01, 0.25, 0.5, 0.75, 0.9, 0.999, 1};

TEST(Quantiles, EqualASortForEveryDtype) {
  for (const DType dtype : test::analyzed_dtypes())
    for (const std::size_t n : {1UL, 2UL, 777UL, 20000UL}) {
      const OwnedTensor tensor = test::random_tensor(dtype, n, n, false);
      const std::vector<double> values = test::values_of(tensor.view());
      const std::vector<double> quantiles = magnitude_quantiles({&tensor.view(), 1}, kFractions);
      for (std::size_t i = 0; i < kFractions.size(); ++i) {
        const double expected = sorted_quantile(values, kFractions[i]);
        EXPECT_NEAR(quantiles[i], expected, 1e-15 * expected) << dtype_name(dtype) << " " << kFractions[i];
      }
    }
}

TEST(Quantiles, AreOfAllTensorsTogetherWhateverTheirDtypes) {
  std::vector<OwnedTensor> owners;
  for (const bool with_f64 : {false, true}) {
    std::vector<TensorView> tensors;
    std::vector<double> values;
    for (const DType dtype : test::analyzed_dtypes()) {
      if (dtype == DType::kF64 && !with_f64) continue;
      tensors.push_back(owners.emplace_back(test::random_tensor(dtype, 3001, 17, true)).view());
      const std::vector<double> more = test::values_of(tensors.back());
      values.insert(values.end(), more.begin(), more.end());
    }
    const std::vector<double> fractions{0, 0.1, 0.5, 0.77};  // higher ones are infinite here
    const std::vector<double> quantiles = magnitude_quantiles(tensors, fractions, Context(2));
    for (std::size_t i = 0; i < fractions.size(); ++i) {
      const double expected = sorted_quantile(values, fractions[i]);
      EXPECT_NEAR(quantiles[i], expected, 1e-15 * expected) << fractions[i];
    }
  }
}

TEST(Quantiles, AreExactWhereOneBinHoldsMoreElementsThanAreListed) {
  std::vector<double> values(300001);
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = (i % 2 == 0 ? 1 : -1) * (1 + static_cast<double>(i * 7919 % 65536) / (1 << 23));  // one bin
  const std::vector<float> floats(values.begin(), values.end());
  const OwnedTensor tensor = test::from_patterns(DType::kF32, floats, "w");
  const std::vector<double> quantiles = magnitude_quantiles({&tensor.view(), 1}, kFractions, Context(2));
  for (std::size_t i = 0; i < kFractions.size(); ++i)
    EXPECT_DOUBLE_EQ(quantiles[i], sorted_quantile(values, kFractions[i])) << kFractions[i];
}

TEST(Quantiles, ManyAtOnceInAnyOrder) {
  const OwnedTensor tensor = test::random_tensor(DType::kF32, 50000, 3, false);
  const std::vector<double> values = test::values_of(tensor.view());
  std::vector<double> fractions;
  for (std::size_t i = 0; i < 100; ++i) fractions.push_back(static_cast<double>(i * 37 % 100) / 99);
  const std::vector<double> quantiles = magnitude_quantiles({&tensor.view(), 1}, fractions, Context(2));
  for (std::size_t i = 0; i < fractions.size(); ++i) {
    const double expected = sorted_quantile(values, fractions[i]);
    EXPECT_NEAR(quantiles[i], expected, 1e-15 * expected) << fractions[i];
  }
}

TEST(Quantiles, OfNothingAreNan) {
  const OwnedTensor nans = test::from_doubles({std::nan(""), std::nan("")});
  EXPECT_TRUE(std::isnan(magnitude_quantiles({&nans.view(), 1}, std::vector<double>{0.5}).at(0)));
}

TEST(RankSpace, OrdersEveryDtypeAsItsValues) {
  for (const bool wide : {false, true}) {
    TensorView f64;
    f64.dtype = wide ? DType::kF64 : DType::kF32;
    const stats::RankSpace space({&f64, 1});
    for (const DType dtype : {DType::kF16, DType::kBF16, DType::kF8E4M3, DType::kF8E5M2}) {
      const std::uint64_t keys = 1ULL << (dtype_bits(dtype) - 1);
      for (std::uint64_t key = 0; key < keys; ++key) {
        const std::uint64_t rank = space.to_rank(dtype, key);
        const double value = test::decode(dtype, key);
        ASSERT_TRUE(std::isnan(value) ? std::isnan(space.value(rank)) : space.value(rank) == value);
        ASSERT_TRUE(key == 0 || rank > space.to_rank(dtype, key - 1));
        ASSERT_EQ(space.first_key(dtype, rank), key);
        ASSERT_EQ(space.first_key(dtype, rank + 1), key + 1);
      }
    }
  }
}

}  // namespace
}  // namespace pare
