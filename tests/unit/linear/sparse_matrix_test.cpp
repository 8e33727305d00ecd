// Layers with zeros: every layout and orientation against the dense product, for odd shapes and any thread count.
#include <gtest/gtest.h>

#include <random>

#include "kernels/targets.h"
#include "linear/linear.h"

namespace pare::linear {
namespace {

std::vector<float> draw(std::size_t n, unsigned seed, double zeros = 0) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::uniform_real_distribution<double> uniform;
  std::vector<float> values(n);
  for (float& value : values) value = uniform(random) < zeros ? 0.0F : normal(random);
  return values;
}

void fill(Matrix& x, unsigned seed) {
  const std::vector<float> values = draw(x.values.size(), seed);
  x.values.assign(values.begin(), values.end());
}

LayerWeights layer(const std::vector<float>& values, std::size_t in, std::size_t out, bool out_in = true) {
  return {{values.data(), out_in ? out : in, out_in ? in : out}, out_in};
}

struct Case {
  std::size_t in, out;
  bool out_in;
  double zeros;
};

float at(const LayerWeights& weights, std::size_t output, std::size_t input) {
  const auto stored = [&](std::size_t row, std::size_t column) {
    return *reinterpret_cast<const float*>(weights.view.at(row, column));
  };
  return weights.out_in ? stored(output, input) : stored(input, output);
}

Matrix expected(const LayerWeights& weights, const Matrix& x, const std::vector<float>& bias) {
  Matrix y(x.rows, weights.out());
  for (std::size_t r = 0; r < x.rows; ++r)
    for (std::size_t o = 0; o < weights.out(); ++o) {
      double sum = bias[o];
      for (std::size_t k = 0; k < weights.in(); ++k) sum += static_cast<double>(at(weights, o, k)) * x.row(r)[k];
      y.row(r)[o] = static_cast<float>(sum);
    }
  return y;
}

void expect_near(const Matrix& y, const Matrix& right, const Case& one) {
  ASSERT_EQ(y.values.size(), right.values.size());
  for (std::size_t i = 0; i < y.values.size(); ++i)
    ASSERT_NEAR(y.values[i], right.values[i], 1e-4 * std::sqrt(static_cast<double>(one.in)))
        << one.in << " -> " << one.out << (one.out_in ? " out-in " : " in-out ") << one.zeros << " at " << i;
}

const std::vector<Case> kCases{{1, 1, true, 0},         {7, 5, false, 0.5},     {96, 288, true, 0.9},
                               {96, 288, false, 0.9},   {130, 129, true, 0.99}, {64, 300, false, 1.0},
                               {2500, 40, true, 0.8},   {2500, 40, false, 0.8}, {700, 24, true, 0.97},
                               {1100, 24, false, 0.995}};

TEST(SparseMatrix, SlicesEqualTheDenseProduct) {
  for (const Case& one : kCases)
    for (const std::size_t rows : {1U, 2U, 5U, 63U, 65U, 200U}) {
      const std::vector<float> values = draw(one.in * one.out, 1, one.zeros), bias = draw(one.out, 2);
      const LayerWeights weights = layer(values, one.in, one.out, one.out_in);
      Matrix x(rows, one.in), y(rows, one.out), alone(rows, one.out);
      LayoutMemory memory;
      fill(x, 3);
      const std::size_t inputs = block_inputs(weights, count_nonzeros(weights, Context(1)), rows);
      const SlicedMatrix sliced(weights, inputs, memory, Context(2));
      sliced.multiply(x, bias.data(), y, Context(3));
      expect_near(y, expected(weights, x, bias), one);
      SlicedMatrix(weights, inputs, memory, Context(1)).multiply(x, bias.data(), alone, Context(1));
      EXPECT_EQ(y.values, alone.values) << "threads change the result";
    }
}

TEST(SparseMatrix, MasksEqualTheDenseProduct) {
  for (const Case& one : kCases)
    for (const std::size_t rows : {1U, 2U, 3U, 4U}) {
      const std::vector<float> values = draw(one.in * one.out, 1, one.zeros), bias = draw(one.out, 2);
      const LayerWeights weights = layer(values, one.in, one.out, one.out_in);
      Matrix x(rows, one.in), y(rows, one.out), alone(rows, one.out);
      LayoutMemory memory;
      fill(x, 3);
      MaskedMatrix(weights, memory, Context(2)).multiply(x, bias.data(), y, Context(3));
      expect_near(y, expected(weights, x, bias), one);
      MaskedMatrix(weights, memory, Context(1)).multiply(x, bias.data(), alone, Context(1));
      EXPECT_EQ(y.values, alone.values) << "threads change the result";
    }
}

TEST(SparseMatrix, ATokenIsTheSameInAnyCompany) {
  const std::vector<float> values = draw(96 * 200, 1, 0.8);
  LayoutMemory memory;
  const SlicedMatrix sliced(layer(values, 96, 200), 40, memory, Context(1));
  Matrix x(70, 96), y(70, 200);
  fill(x, 3);
  sliced.multiply(x, nullptr, y, Context(1));
  Matrix first(2, 96), alone(2, 200);
  std::copy_n(x.row(0), first.values.size(), first.row(0));
  sliced.multiply(first, nullptr, alone, Context(1));
  for (std::size_t o = 0; o < 400; ++o) EXPECT_EQ(alone.values[o], y.values[o]);
}

TEST(SparseMatrix, CountsWeightsThatAreNotZero) {
  std::vector<float> values(600000, 0.0F);
  values[0] = 1;
  values[1] = -0.0F;  // adds nothing to any sum
  values[599999] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(count_nonzeros(layer(values, 1000, 600), Context(2)), 2U);
}

TEST(SparseLinear, TakesTheKernelAskedFor) {
  const std::vector<float> values = draw(96 * 64, 1, 0.9);
  const LayerWeights weights = layer(values, 96, 64);
  const auto costs = std::make_shared<const KernelCosts>(standard_kernel_costs());
  const auto size = std::make_shared<SharedByLayers>();
  const SparseLinear masked(std::make_unique<WeightSource>(weights), count_nonzeros(weights, Context(1)), costs, size,
                            KernelChoice::kMasked);
  EXPECT_EQ(masked.kernel_for(4), Kernel::kMasked);
  EXPECT_EQ(masked.kernel_for(5), Kernel::kSliced);
  const SparseLinear dense(std::make_unique<WeightSource>(weights), count_nonzeros(weights, Context(1)), costs, size,
                           KernelChoice::kDense);
  Matrix x(3, 96), y(3, 64);
  EXPECT_FALSE(dense.apply(x, nullptr, y, Context(1)));
  EXPECT_TRUE(masked.apply(x, nullptr, y, Context(1)));
}

TEST(KernelCosts, ChoosesWhatItsFiguresSay) {
  KernelCosts costs;
  costs.points = {{1, 1.0, 4.0, 0, 1.0, 0.5}, {100, 50, 200, 0, 0, 0}};
  EXPECT_EQ(costs.choose(1, 10, 10, 100), Kernel::kDense);
  EXPECT_EQ(costs.choose(1, 10, 10, 30), Kernel::kMasked);   // 80 against 100 and 120
  EXPECT_EQ(costs.choose(1, 10, 10, 10), Kernel::kSliced);   // 40 against 60
  EXPECT_EQ(costs.choose(100, 10, 10, 30), Kernel::kDense);  // 6000 against 5000
  EXPECT_EQ(costs.choose(100, 10, 10, 22), Kernel::kSliced);
  EXPECT_EQ(costs.choose(100, 10, 10, 24), Kernel::kDense);  // saves less than a tenth
  EXPECT_DOUBLE_EQ(costs.nanoseconds(Kernel::kDense, 200, 10, 10, 0), 10000);
  EXPECT_DOUBLE_EQ(costs.nanoseconds(Kernel::kSliced, 34, 10, 10, 30), 120 + (6000 - 120) / 3.0);
  EXPECT_EQ(KernelCosts().choose(1, 10, 10, 0), Kernel::kDense);
  costs.cached_points = {{1, 0.3, 4.0, 0, 1.0, 0.5}};
  EXPECT_EQ(costs.choose(1, 10, 10, 30, true), Kernel::kDense);  // 30 against 80 and 120
  EXPECT_EQ(costs.choose(1, 10, 10, 5, true), Kernel::kSliced);  // 20
  EXPECT_EQ(costs.choose(100, 10, 10, 22, true), Kernel::kSliced);
  EXPECT_EQ(costs.choose(1, 10, 10, 10, false, 2), Kernel::kSliced);  // no figures of their own
  costs.half_points = {{1, 0.5, 6.0, 0, 1.0, 0.5}};
  EXPECT_EQ(costs.choose(1, 10, 10, 10, false, 2), Kernel::kDense);  // 50 against 60 and 60
  EXPECT_EQ(costs.choose(1, 10, 10, 10, false, 4), Kernel::kSliced);
  EXPECT_DOUBLE_EQ(costs.nanoseconds(Kernel::kDense, 2, 10, 10, 0, true, 2), 100);
}

}  // namespace
}  // namespace pare::linear
