// Products with sparse weights. There are two layouts: slices, for few nonzeros or many tokens; and masks, for one to
// four tokens and weights with some scattered zeros. Every sum runs over the inputs in rising order with fused
// multiply-adds, so the result does not depend on the instruction set (with FMA), on the other tokens, or on the
// threads. Weights of 16 bits stay as they are and give the same results as if they were F32.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/weight_view.h"

namespace pare::kernels {

constexpr std::size_t kSliceOutputs = 16;  ///< outputs that are processed together
constexpr std::size_t kTileOutputs = 128;  ///< outputs in a tile; their sums take 32 KiB for a panel of 64 tokens
constexpr std::size_t kMostVectors = 4;    ///< vectors of tokens in a panel
constexpr std::size_t kMaskedRows = 4;     ///< most tokens for multiply_masked()
constexpr std::uint16_t kNoOutput = kTileOutputs;  ///< the row of a tile that receives unwanted sums

/// Slices of 16 outputs (sliced ELLPACK: Monakov et al. 2010). Each step holds one nonzero of every output; an output
/// that has run out of nonzeros is padded with weights of 0 at input 0. Slices are stored one after another in the
/// order in which they are read, because reading takes nearly all the time for a single token. The first cache line of
/// a slice holds its 16 outputs, relative to the tile. If the number of steps is odd, the same line holds the first
/// step's inputs, relative to the block, and the next line its weights. Then every two steps take one line of inputs
/// and two of weights. With weights of 16 bits every step takes one line instead: its inputs, then its weights.
struct Slices {
  const std::uint16_t* steps = nullptr;  ///< number of steps of each slice
  std::size_t count = 0;
  const std::byte* data = nullptr;   ///< aligned to a cache line
  FloatType type = FloatType::kF32;  ///< of the weights: F32, F16 or BF16
};

constexpr std::size_t kLineBytes = 64, kTwoSteps = 3 * kLineBytes;
static_assert(kSliceOutputs * sizeof(float) == kLineBytes);

constexpr std::size_t slice_bytes(std::size_t steps, FloatType type = FloatType::kF32) {
  if (weight_bytes(type) == 2) return (1 + steps) * kLineBytes;
  return (1 + steps % 2) * kLineBytes + steps / 2 * kTwoSteps;
}
/// Offsets of the inputs and the weights of a step.
constexpr std::size_t slice_inputs_at(std::size_t steps, std::size_t step, FloatType type = FloatType::kF32) {
  if (weight_bytes(type) == 2) return (1 + step) * kLineBytes;
  const std::size_t odd = steps % 2;
  if (step < odd) return kLineBytes / 2;
  return (1 + odd) * kLineBytes + (step - odd) / 2 * kTwoSteps + (step - odd) % 2 * (kLineBytes / 2);
}
constexpr std::size_t slice_weights_at(std::size_t steps, std::size_t step, FloatType type = FloatType::kF32) {
  if (weight_bytes(type) == 2) return (1 + step) * kLineBytes + kLineBytes / 2;
  const std::size_t odd = steps % 2;
  if (step < odd) return kLineBytes;
  return (2 + odd) * kLineBytes + (step - odd) / 2 * kTwoSteps + (step - odd) % 2 * kLineBytes;
}

/// Number of floats in a vector of the instruction set in use.
std::size_t lanes();

/// panel[k * width + t] = x[t][k] for `tokens` rows of x and `in` of their columns; 0 for t in [tokens, width). `width`
/// exceeds `tokens` by less than a vector.
void to_panel(const float* x, std::size_t x_stride, std::size_t tokens, std::size_t in, float* panel,
              std::size_t width);
/// y[t][o] = panel[o * width + t] + bias[o]; bias may be null.
void from_panel(const float* panel, std::size_t width, std::size_t tokens, std::size_t out, const float* bias, float* y,
                std::size_t y_stride);

/// tile[output * width ..] = the sum of weight * panel[input * width ..] over all of the output's nonzeros, added to
/// the previous contents if `add` is set. `width` is 1 to kMostVectors vectors. The tile has a row for kNoOutput as
/// well.
void multiply_slices(const Slices& slices, const float* panel, std::size_t width, bool add, float* tile);
/// The same for a single token: y[output] += weight * x[input].
void multiply_slices_once(const Slices& slices, const float* x, float* y);

constexpr std::size_t kMaskedAhead = 32;  ///< weights that multiply_masked() may read after the last one

/// 16 outputs next to each other: bit o of masks[k] says whether output o has a weight at input k; the weights follow
/// each other without gaps, and kMaskedAhead of them after the last one may be read.
struct MaskedOutputs {
  const std::uint16_t* masks = nullptr;
  const std::byte* weights = nullptr;
  std::size_t in = 0, outputs = kSliceOutputs;
  FloatType type = FloatType::kF32;  ///< of the weights: F32, F16 or BF16
};
/// y[r][o] = sum_k x[r][k] w[o][k] + bias[o] for blocks of outputs that follow each other, with the same inputs and
/// type, and up to kMaskedRows rows. Only the last may have fewer than 16 outputs.
void multiply_masked(const MaskedOutputs* blocks, std::size_t count, const float* x, std::size_t rows,
                     std::size_t x_stride, const float* bias, float* y, std::size_t y_stride);

}  // namespace pare::kernels
