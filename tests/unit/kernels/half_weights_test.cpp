// Kernels with F16 and BF16 weights give the bits that they give with the same weights as F32, on every instruction
// set.
#include <gtest/gtest.h>

#include <bit>
#include <cstring>
#include <random>
#include <vector>

#include "kernels/float_convert.h"
#include "kernels/matvec.h"
#include "kernels/sparse/sparse.h"
#include "kernels/targets.h"

namespace pare::kernels {
namespace {

/// Random weights of a type, a share of them zero, and the same as F32.
struct Weights {
  FloatType type;
  std::vector<std::uint16_t> stored;
  std::vector<float> wide;

  Weights(FloatType kind, std::size_t n, unsigned seed, double zeros = 0) : type(kind), stored(n), wide(n) {
    std::mt19937 random(seed);
    std::uniform_real_distribution<double> uniform;
    for (std::uint16_t& bits : stored) {
      // F16: any finite number, with those that are subnormal. BF16: from 2^-30 to 2^2.
      const unsigned exponent = type == FloatType::kF16 ? random() % 31 << 10 : (97 + random() % 32) << 7;
      const unsigned mantissa = random() % (type == FloatType::kF16 ? 1U << 10 : 1U << 7), sign = random() % 2 << 15;
      bits = static_cast<std::uint16_t>(uniform(random) < zeros ? sign : sign | exponent | mantissa);
    }
    to_f32(type, reinterpret_cast<const std::byte*>(stored.data()), n, wide.data());
  }
};

std::vector<float> draw(std::size_t n, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(n);
  for (float& value : values) value = normal(random);
  return values;
}

void expect_same_bits(const std::vector<float>& a, const std::vector<float>& b, const std::string& what) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i)
    ASSERT_EQ(std::bit_cast<std::uint32_t>(a[i]), std::bit_cast<std::uint32_t>(b[i]))
        << what << ", element " << i << ": " << a[i] << " and " << b[i];
}

class HalfWeights : public testing::TestWithParam<std::tuple<std::string, FloatType>> {
 protected:
  void SetUp() override { ASSERT_TRUE(force_target(std::get<0>(GetParam()))); }
  void TearDown() override { force_target(""); }
  FloatType type() const { return std::get<1>(GetParam()); }
};

TEST_P(HalfWeights, FewRowsTimesAMatrix) {
  for (const std::size_t rows : {1U, 2U, 3U, 4U})
    for (const auto& [in, out] :
         {std::pair<std::size_t, std::size_t>{1, 1}, {5, 3}, {64, 200}, {131, 97}, {96, 300}, {17, 33}}) {
      const std::size_t stride = out + 3, wide_stride = in + 5;  // parts of larger matrices
      const std::vector<float> x = draw(rows * in, 1), bias = draw(out, 2);
      const Weights w(type(), in * stride + out * wide_stride, 3);
      const auto product = [&](bool out_in, const void* data, FloatType stored) {
        WeightView view(data, stored, out_in ? out : in, out_in ? in : out);
        view.stride = out_in ? wide_stride : stride;
        std::vector<float> y(rows * out, -1);
        for (const auto& [begin, end] : {std::pair{std::size_t{0}, out / 2}, {out / 2, out}})
          (out_in ? multiply_out_in : multiply_in_out)(x.data(), rows, view, begin, end, bias.data(), y.data(), out);
        return y;
      };
      for (const bool out_in : {true, false})
        expect_same_bits(product(out_in, w.stored.data(), type()), product(out_in, w.wide.data(), FloatType::kF32),
                         std::to_string(rows) + " rows, " + std::to_string(in) + " to " + std::to_string(out));
    }
}

/// A cache line, so that vectors of them are aligned as slices must be.
struct alignas(kLineBytes) Line {
  std::byte bytes[kLineBytes];
};

/// One slice with random inputs, over `in` inputs.
template <class T>
std::vector<Line> slice(FloatType type, const std::vector<T>& weights, std::uint16_t steps, std::size_t in) {
  std::vector<Line> lines(slice_bytes(steps, type) / kLineBytes);
  auto* data = reinterpret_cast<std::byte*>(lines.data());
  std::mt19937 random(4);
  for (std::uint16_t lane = 0; lane < kSliceOutputs; ++lane) std::memcpy(data + 2 * lane, &lane, sizeof lane);
  for (std::size_t step = 0; step < steps; ++step)
    for (std::size_t lane = 0; lane < kSliceOutputs; ++lane) {
      const auto input = static_cast<std::uint16_t>(random() % in);
      std::memcpy(data + slice_inputs_at(steps, step, type) + lane * sizeof input, &input, sizeof input);
      std::memcpy(data + slice_weights_at(steps, step, type) + lane * sizeof(T), &weights[step * kSliceOutputs + lane],
                  sizeof(T));
    }
  return lines;
}

TEST_P(HalfWeights, Slices) {
  constexpr std::size_t kIn = 70;
  for (const std::uint16_t steps : {0U, 1U, 2U, 9U, 40U}) {
    const Weights w(type(), steps * kSliceOutputs, 5);
    const std::vector<Line> stored = slice(type(), w.stored, steps, kIn),
                            wide = slice(FloatType::kF32, w.wide, steps, kIn);
    const auto slices = [&](const std::vector<Line>& lines, FloatType as) {
      return Slices{&steps, 1, reinterpret_cast<const std::byte*>(lines.data()), as};
    };
    for (std::size_t vectors = 1; vectors <= kMostVectors; ++vectors) {
      const std::size_t width = vectors * lanes();
      const std::vector<float> panel = draw(kIn * width, 6);
      std::vector<float> a((kTileOutputs + 1) * width, 1), b = a;
      multiply_slices(slices(stored, type()), panel.data(), width, vectors % 2 == 0, a.data());
      multiply_slices(slices(wide, FloatType::kF32), panel.data(), width, vectors % 2 == 0, b.data());
      expect_same_bits(a, b, std::to_string(steps) + " steps, " + std::to_string(vectors) + " vectors");
    }
    const std::vector<float> x = draw(kIn, 7);
    std::vector<float> a(kTileOutputs + 1, 1), b = a;
    multiply_slices_once(slices(stored, type()), x.data(), a.data());
    multiply_slices_once(slices(wide, FloatType::kF32), x.data(), b.data());
    expect_same_bits(a, b, std::to_string(steps) + " steps, one token");
  }
}

TEST_P(HalfWeights, Masks) {
  constexpr std::size_t kIn = 77, kBlocks = 6, kLast = 11, kOutputs = (kBlocks - 1) * kSliceOutputs + kLast;
  std::mt19937 random(8);
  for (const unsigned keep : {0U, 0x1111U, 0xFFFFU}) {
    std::vector<std::uint16_t> masks(kBlocks * kIn);
    for (std::uint16_t& mask : masks) mask = static_cast<std::uint16_t>(random() & keep);
    const std::size_t each = kIn * kSliceOutputs + kMaskedAhead;
    const Weights w(type(), kBlocks * each, 9);
    const std::vector<float> bias = draw(kOutputs, 10);
    for (std::size_t rows = 1; rows <= kMaskedRows; ++rows) {
      const std::vector<float> x = draw(rows * kIn, 11);
      const auto product = [&](const void* data, FloatType as, std::size_t together) {
        std::vector<MaskedOutputs> blocks;
        for (std::size_t b = 0; b < kBlocks; ++b)
          blocks.push_back({masks.data() + b * kIn, static_cast<const std::byte*>(data) + b * each * weight_bytes(as),
                            kIn, b + 1 < kBlocks ? kSliceOutputs : kLast, as});
        std::vector<float> y(rows * kOutputs, 7);
        for (std::size_t b = 0; b < kBlocks; b += together)
          multiply_masked(blocks.data() + b, std::min(together, kBlocks - b), x.data(), rows, kIn,
                          bias.data() + b * kSliceOutputs, y.data() + b * kSliceOutputs, kOutputs);
        return y;
      };
      const std::vector<float> wide = product(w.wide.data(), FloatType::kF32, 1);
      for (const std::size_t together : {std::size_t{1}, std::size_t{3}, kBlocks})
        expect_same_bits(product(w.stored.data(), type(), together), wide, std::to_string(rows) + " rows");
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, HalfWeights,
                         testing::Combine(testing::ValuesIn(supported_targets()),
                                          testing::Values(FloatType::kF16, FloatType::kBF16)));

}  // namespace
}  // namespace pare::kernels
