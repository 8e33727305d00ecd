// Products of layers whose memory is the caller's, against sums in double.
#include "pare/sparse_layers.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "pare/error.h"

namespace pare {
namespace {

using Floats = std::vector<float>;

Floats sparse_values(std::size_t n, unsigned seed, double zeros) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::bernoulli_distribution zero(zeros);
  Floats values(n);
  for (float& value : values) value = zero(random) ? 0.0F : normal(random);
  return values;
}

const std::byte* bytes_of(const Floats& values) { return reinterpret_cast<const std::byte*>(values.data()); }

TEST(SparseLayers, MultipliesAsADenseProduct) {
  constexpr std::size_t kIn = 70, kOut = 83;
  const Floats weights = sparse_values(kIn * kOut, 1, 0.9), bias = sparse_values(kOut, 2, 0);
  for (const KernelChoice kernels : {KernelChoice::kSliced, KernelChoice::kMasked})
    for (const Orientation orientation : {Orientation::kOutIn, Orientation::kInOut}) {
      SparseLayers layers(kernels);
      const std::size_t layer = layers.add(bytes_of(weights), DType::kF32, kIn, kOut, orientation);
      EXPECT_EQ(layers.nonzeros(layer),
                kIn * kOut - static_cast<std::size_t>(std::count(weights.begin(), weights.end(), 0.0F)));
      for (const std::size_t rows : {1, 4, 5, 64, 131}) {
        const Floats x = sparse_values(rows * kIn, 3, 0);
        Floats y(rows * kOut + 1, 7);
        ASSERT_TRUE(layers.multiply(layer, x.data(), rows, bias.data(), y.data(), Context(2)));
        for (std::size_t r = 0; r < rows; ++r)
          for (std::size_t o = 0; o < kOut; ++o) {
            double sum = bias[o];
            for (std::size_t k = 0; k < kIn; ++k)
              sum += static_cast<double>(x[r * kIn + k]) *
                     weights[orientation == Orientation::kOutIn ? o * kIn + k : k * kOut + o];
            ASSERT_NEAR(y[r * kOut + o], sum, 1e-4) << rows << " rows, " << r << ", " << o;
          }
        EXPECT_EQ(y.back(), 7) << "nothing is written behind the last row";
      }
    }
}

TEST(SparseLayers, LeavesDenseProductsToTheCaller) {
  const Floats weights = sparse_values(64 * 64, 1, 0), x(64 * 16, 1);
  Floats y(64 * 16, 7);
  SparseLayers layers;
  const std::size_t layer = layers.add(bytes_of(weights), DType::kF32, 64, 64, Orientation::kOutIn);
  EXPECT_EQ(layers.kernel(layer, 16), Kernel::kDense);
  for (const std::size_t rows : {1, 16}) EXPECT_FALSE(layers.multiply(layer, x.data(), rows, nullptr, y.data()));
  EXPECT_EQ(y, Floats(64 * 16, 7));
  EXPECT_TRUE(layers.multiply(layer, x.data(), 0, nullptr, y.data()));
}

TEST(SparseLayers, RefusesWhatItCannotMultiply) {
  const Floats weights(16);
  SparseLayers layers;
  EXPECT_THROW(layers.add(bytes_of(weights), DType::kF64, 4, 2, Orientation::kOutIn), Error);
  EXPECT_THROW(layers.add(bytes_of(weights), DType::kF32, 4, 4, Orientation::kNone), Error);
  EXPECT_EQ(layers.size(), 0);
}

}  // namespace
}  // namespace pare
