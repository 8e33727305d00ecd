// Linear layers with F16 and BF16 weights give the bits that they give with the same weights as F32.
#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "kernels/float_convert.h"
#include "linear/dense_product.h"
#include "linear/linear.h"

namespace pare::linear {
namespace {

/// Random weights of a type, a share of them zero, and the same as F32.
struct HalfMatrix {
  FloatType type;
  std::size_t in, out;
  bool out_in;
  std::vector<std::uint16_t> stored;
  std::vector<float> wide;

  HalfMatrix(FloatType kind, std::size_t inputs, std::size_t outputs, bool by_output, double zeros = 0)
      : type(kind), in(inputs), out(outputs), out_in(by_output), stored(in * out), wide(in * out) {
    std::mt19937 random(1);
    std::uniform_real_distribution<double> uniform;
    const unsigned one = type == FloatType::kF16 ? 0x3800U : 0x3F00U, below = type == FloatType::kF16 ? 0xFFF : 0x1FF;
    for (std::uint16_t& bits : stored) {
      const unsigned sign = random() % 2 << 15;
      bits = static_cast<std::uint16_t>(uniform(random) < zeros ? sign : sign | (one - random() % below));
    }
    kernels::to_f32(type, reinterpret_cast<const std::byte*>(stored.data()), stored.size(), wide.data());
  }
  LayerWeights half() const { return {{stored.data(), type, out_in ? out : in, out_in ? in : out}, out_in}; }
  LayerWeights full() const { return {{wide.data(), out_in ? out : in, out_in ? in : out}, out_in}; }
};

Matrix inputs(std::size_t rows, std::size_t columns) {
  std::mt19937 random(2);
  std::normal_distribution<float> normal;
  Matrix x(rows, columns);
  for (float& value : x.values) value = normal(random);
  return x;
}

class HalfLinear : public testing::TestWithParam<FloatType> {};

TEST_P(HalfLinear, DenseProducts) {
  for (const bool out_in : {true, false})
    for (const auto& [in, out] : {std::pair<std::size_t, std::size_t>{1, 1}, {7, 65}, {576, 192}, {2500, 130}}) {
      const HalfMatrix w(GetParam(), in, out, out_in);
      const auto bias = inputs(1, out).values;
      for (const std::size_t rows : {1U, 4U, 5U, 64U, 130U}) {
        const Matrix x = inputs(rows, in);
        for (const unsigned threads : {1U, 2U, 3U})
          EXPECT_EQ(apply(Linear(w.half(), bias.data()), x, Context(threads)).values,
                    apply(Linear(w.full(), bias.data()), x, Context(threads)).values)
              << in << " to " << out << ", " << rows << " rows, " << threads << " threads";
      }
    }
}

TEST_P(HalfLinear, PartsOfAMatrix) {
  const HalfMatrix w(GetParam(), 96, 200, true);
  LayerWeights half = w.half(), full = w.full();
  half.view = half.view.part(30, 100, 16, 70);
  full.view = full.view.part(30, 100, 16, 70);
  for (const std::size_t rows : {1U, 40U}) {
    const Matrix x = inputs(rows, 70);
    EXPECT_EQ(apply(Linear(half), x, Context(2)).values, apply(Linear(full), x, Context(2)).values);
  }
  EXPECT_EQ(count_nonzeros(half, Context(2)), count_nonzeros(full, Context(1)));
}

TEST_P(HalfLinear, SparseLayouts) {
  for (const bool out_in : {true, false})
    for (const double zeros : {0.3, 0.9, 1.0}) {
      const HalfMatrix w(GetParam(), 300, 130, out_in, zeros);
      const std::size_t nonzeros = count_nonzeros(w.full(), Context(1));
      EXPECT_EQ(count_nonzeros(w.half(), Context(2)), nonzeros);
      const auto bias = inputs(1, w.out).values;
      for (const std::size_t rows : {1U, 3U, 5U, 70U}) {
        const Matrix x = inputs(rows, w.in);
        LayoutMemory memory;
        const auto sliced = [&](const LayerWeights& weights) {
          Matrix y(rows, w.out);
          SlicedMatrix(weights, 100, memory, Context(2)).multiply(x, bias.data(), y, Context(2));
          return y.values;
        };
        const auto masked = [&](const LayerWeights& weights) {
          Matrix y(rows, w.out);
          MaskedMatrix(weights, memory, Context(2)).multiply(x, bias.data(), y, Context(2));
          return y.values;
        };
        EXPECT_EQ(sliced(w.half()), sliced(w.full())) << rows << " rows, " << zeros;
        if (rows <= kernels::kMaskedRows) {
          EXPECT_EQ(masked(w.half()), masked(w.full())) << rows << " rows, " << zeros;
        }
      }
    }
}

INSTANTIATE_TEST_SUITE_P(Types, HalfLinear, testing::Values(FloatType::kF16, FloatType::kBF16));

TEST_P(HalfLinear, ProductsTogetherAreThoseOneByOne) {
  const HalfMatrix a(GetParam(), 576, 576, true), b(GetParam(), 576, 192, false), c(GetParam(), 576, 70, true, 0.9);
  const auto bias = inputs(1, 576).values;
  const Linear first(a.half(), bias.data()), second(b.full());
  Linear third(c.half());
  third.sparse = std::make_shared<const SparseLinear>(std::make_unique<WeightSource>(c.half()),
                                                      count_nonzeros(c.half(), Context(1)),
                                                      std::make_shared<const KernelCosts>(standard_kernel_costs()),
                                                      std::make_shared<SharedByLayers>(), KernelChoice::kSliced);
  for (const std::size_t rows : {0U, 1U, 4U, 9U})
    for (const unsigned threads : {1U, 2U, 3U}) {
      const Context context(threads);
      const Matrix x = inputs(rows, 576);
      const auto [p, q, r] = apply_all(x, context, first, second, third);
      EXPECT_EQ(p.values, apply(first, x, context).values);
      EXPECT_EQ(q.values, apply(second, x, context).values);
      EXPECT_EQ(r.values, apply(third, x, context).values);
      EXPECT_EQ(r.values.size(), rows * 70);
    }
}

TEST(RoundedProduct, RoundsInputsOnly) {
  if (!can_multiply_rounded()) GTEST_SKIP() << "this processor does not multiply BF16";
  for (const bool out_in : {true, false}) {
    const HalfMatrix w(FloatType::kBF16, 300, 130, out_in);
    Matrix x = inputs(70, 300), y(70, 130);
    const auto bias = inputs(1, 130).values;
    for (float& value : x.values) {  // BF16 numbers stay what they are
      std::uint32_t bits;
      std::memcpy(&bits, &value, sizeof bits);
      bits &= 0xFFFF0000U;
      std::memcpy(&value, &bits, sizeof bits);
    }
    multiply_rounded(w.half(), x, bias.data(), y, Context(2));
    const Matrix exact = apply(Linear(w.half(), bias.data()), x, Context(2));
    for (std::size_t i = 0; i < y.values.size(); ++i) ASSERT_NEAR(y.values[i], exact.values[i], 1e-4) << i;
  }
}

}  // namespace
}  // namespace pare::linear
