// Sparse products against plain loops in double, for every instruction set; forced one by one.
#include "kernels/sparse/sparse.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "kernels/targets.h"

namespace pare::kernels {
namespace {

std::vector<float> draw(std::size_t n, unsigned seed, double zeros = 0) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::uniform_real_distribution<double> uniform;
  std::vector<float> values(n);
  for (float& value : values) value = uniform(random) < zeros ? 0.0F : normal(random);
  return values;
}

class Sparse : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { ASSERT_TRUE(force_target(GetParam())); }
  void TearDown() override { force_target(""); }
};

TEST_P(Sparse, PanelsTurnThereAndBack) {
  for (const std::size_t tokens : {1U, 3U, 4U, 17U, 64U})
    for (const std::size_t in : {1U, 4U, 7U, 96U, 131U}) {
      const std::size_t width = (tokens + lanes() - 1) / lanes() * lanes(), stride = in + 3;
      const std::vector<float> x = draw(tokens * stride, 1), bias = draw(in, 2);
      std::vector<float> panel(in * width, -1), y(tokens * stride, 0);
      to_panel(x.data(), stride, tokens, in, panel.data(), width);
      for (std::size_t k = 0; k < in; ++k)
        for (std::size_t t = 0; t < width; ++t)
          ASSERT_EQ(panel[k * width + t], t < tokens ? x[t * stride + k] : 0) << tokens << " x " << in;
      from_panel(panel.data(), width, tokens, in, bias.data(), y.data(), stride);
      for (std::size_t t = 0; t < tokens; ++t)
        for (std::size_t k = 0; k < stride; ++k)
          ASSERT_EQ(y[t * stride + k], k < in ? x[t * stride + k] + bias[k] : 0) << tokens << " x " << in;
    }
}

/// Two slices of one tile, of 16 and of 13 outputs with different numbers of nonzeros, as SlicedMatrix would make them.
struct TwoSlices {
  static constexpr std::size_t kOutputs = 29;
  std::vector<float> dense;  // [kOutputs, in]
  std::vector<std::uint16_t> steps;
  std::vector<std::byte> room;
  Slices slices;

  explicit TwoSlices(std::size_t in, double zeros = 0.7) : dense(draw(kOutputs * in, 3, zeros)) {
    std::vector<std::vector<std::uint16_t>> nonzeros(2 * kSliceOutputs);
    for (std::size_t o = 0; o < kOutputs; ++o)
      for (std::size_t k = 0; k < in; ++k)
        if (dense[o * in + k] != 0) nonzeros[o].push_back(static_cast<std::uint16_t>(k));
    std::size_t bytes = 0;
    for (std::size_t s = 0; s < 2; ++s) {
      std::size_t most = 0;
      for (std::size_t o = 0; o < kSliceOutputs; ++o) most = std::max(most, nonzeros[s * kSliceOutputs + o].size());
      steps.push_back(static_cast<std::uint16_t>(most));
      bytes += slice_bytes(most);
    }
    room.resize(bytes + kLineBytes);
    auto* slice = reinterpret_cast<std::byte*>((reinterpret_cast<std::uintptr_t>(room.data()) + kLineBytes - 1) /
                                               kLineBytes * kLineBytes);
    slices = {steps.data(), 2, slice};
    for (std::size_t s = 0; s < 2; slice += slice_bytes(steps[s++]))
      for (std::size_t lane = 0; lane < kSliceOutputs; ++lane) {
        const std::size_t o = s * kSliceOutputs + lane;
        const auto output = o < kOutputs ? static_cast<std::uint16_t>(kOutputs - 1 - o) : kNoOutput;  // not in order
        std::memcpy(slice + lane * sizeof output, &output, sizeof output);
        for (std::size_t step = 0; step < nonzeros[o].size(); ++step) {
          std::memcpy(slice + slice_inputs_at(steps[s], step) + lane * sizeof output, &nonzeros[o][step],
                      sizeof output);
          std::memcpy(slice + slice_weights_at(steps[s], step) + lane * sizeof(float),
                      &dense[o * in + nonzeros[o][step]], sizeof(float));
        }
      }
  }

  double expected(std::size_t output, const float* x, std::size_t stride, std::size_t in) const {
    double sum = 0;
    for (std::size_t k = 0; k < in; ++k)
      sum += static_cast<double>(dense[(kOutputs - 1 - output) * in + k]) * x[k * stride];
    return sum;
  }
};

TEST_P(Sparse, PanelsOfNothingAreNotTouched) {
  to_panel(nullptr, 0, 1, 0, nullptr, lanes());
  std::vector<float> panel(200 * lanes(), 1);  // more rows than are converted at once
  to_panel(nullptr, 0, 0, 200, panel.data(), lanes());
  EXPECT_EQ(panel, std::vector<float>(200 * lanes()));
  from_panel(nullptr, lanes(), 0, 5, nullptr, nullptr, 5);
  from_panel(nullptr, lanes(), 3, 0, nullptr, nullptr, 0);
}

TEST_P(Sparse, SlicesTimesPanels) {
  for (const std::size_t in : {1U, 2U, 5U, 200U, 201U}) {
    const TwoSlices two(in);
    for (std::size_t vectors = 1; vectors <= kMostVectors; ++vectors) {
      const std::size_t width = vectors * lanes();
      const std::vector<float> panel = draw(in * width, 4);
      for (const bool add : {false, true}) {
        std::vector<float> tile((kTileOutputs + 1) * width, 1);
        multiply_slices(two.slices, panel.data(), width, add, tile.data());
        for (std::size_t o = 0; o < TwoSlices::kOutputs; ++o)
          for (std::size_t t = 0; t < width; ++t)
            ASSERT_NEAR(tile[o * width + t], (add ? 1 : 0) + two.expected(o, panel.data() + t, width, in), 1e-4);
      }
    }
  }
}

TEST_P(Sparse, SlicesTimesOneToken) {
  for (const std::size_t in : {1U, 2U, 5U, 200U, 201U}) {
    const TwoSlices two(in);
    const std::vector<float> x = draw(in, 4);
    std::vector<float> y(kTileOutputs + 1, 1);
    multiply_slices_once(two.slices, x.data(), y.data());
    for (std::size_t o = 0; o < TwoSlices::kOutputs; ++o) ASSERT_NEAR(y[o], 1 + two.expected(o, x.data(), 1, in), 1e-4);
  }
}

TEST_P(Sparse, MasksTimesFewTokens) {
  for (const std::size_t outputs : {16U, 11U})
    for (const double zeros : {0.0, 0.5, 0.95, 1.0})
      for (std::size_t rows = 1; rows <= kMaskedRows; ++rows) {
        const std::size_t in = 77, stride = in + 2;
        const std::vector<float> dense = draw(in * outputs, 5, zeros), x = draw(rows * stride, 6), bias = draw(16, 7);
        std::vector<std::uint16_t> masks;
        std::vector<float> packed;
        for (std::size_t k = 0; k < in; ++k) {
          unsigned mask = 0;
          for (std::size_t o = 0; o < outputs; ++o)
            if (const float w = dense[k * outputs + o]; w != 0) {
              mask |= 1U << o;
              packed.push_back(w);
            }
          masks.push_back(static_cast<std::uint16_t>(mask));
        }
        packed.resize(packed.size() + kMaskedAhead,
                      std::numeric_limits<float>::quiet_NaN());  // values after the end are not used
        std::vector<float> y(rows * 20, -1);
        const MaskedOutputs block{masks.data(), reinterpret_cast<const std::byte*>(packed.data()), in, outputs};
        multiply_masked(&block, 1, x.data(), rows, stride, bias.data(), y.data(), 20);
        for (std::size_t r = 0; r < rows; ++r)
          for (std::size_t o = 0; o < 20; ++o) {
            double sum = o < outputs ? bias[o] : -1;
            if (o < outputs)
              for (std::size_t k = 0; k < in; ++k)
                sum += static_cast<double>(dense[k * outputs + o]) * x[r * stride + k];
            ASSERT_NEAR(y[r * 20 + o], sum, 1e-4) << outputs << " outputs, row " << r << ", output " << o;
          }
      }
}

INSTANTIATE_TEST_SUITE_P(Targets, Sparse, testing::ValuesIn(supported_targets()));

}  // namespace
}  // namespace pare::kernels
