// Products with sparse weights. Two layouts: slices, for few nonzeros or many tokens; masks, for one to four tokens
// and weights that are zero here and there. Every sum runs over the inputs in rising order with fused multiply-adds,
// so the result depends on neither the instruction set (with FMA), nor the tokens beside it, nor the threads.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pare::kernels {

constexpr std::size_t kSliceOutputs = 16;          ///< outputs that go through together; divides no loop into odd parts
constexpr std::size_t kTileOutputs = 128;          ///< whose sums, for a panel of 64 tokens, take 32 KiB
constexpr std::size_t kMostVectors = 4;            ///< vectors of tokens in a panel
constexpr std::size_t kMaskedRows = 4;             ///< most tokens for multiply_masked()
constexpr std::uint16_t kNoOutput = kTileOutputs;  ///< where sums that nobody asks for go

/// Slices of 16 outputs, step by step one nonzero of each (sliced ELLPACK: Monakov et al. 2010); an output that has no
/// more of them goes on with weights of 0 at input 0. They lie behind each other in the order in which they are read,
/// because with a single token all time goes to that: a line of cache with 16 outputs, relative to the tile, and if the
/// steps are odd in number the inputs of the first one, relative to the block, with its weights on the next line; then
/// for every two steps a line of inputs and two of weights.
struct Slices {
  const std::uint16_t* steps = nullptr;  ///< of each slice
  std::size_t count = 0;
  const std::byte* data = nullptr;  ///< on a whole line
};

constexpr std::size_t kLineBytes = 64, kTwoSteps = 3 * kLineBytes;
static_assert(kSliceOutputs * sizeof(float) == kLineBytes);

constexpr std::size_t slice_bytes(std::size_t steps) { return (1 + steps % 2) * kLineBytes + steps / 2 * kTwoSteps; }
/// Where the inputs and the weights of a step begin.
constexpr std::size_t slice_inputs_at(std::size_t steps, std::size_t step) {
  const std::size_t odd = steps % 2;
  if (step < odd) return kLineBytes / 2;
  return (1 + odd) * kLineBytes + (step - odd) / 2 * kTwoSteps + (step - odd) % 2 * (kLineBytes / 2);
}
constexpr std::size_t slice_weights_at(std::size_t steps, std::size_t step) {
  const std::size_t odd = steps % 2;
  if (step < odd) return kLineBytes;
  return (2 + odd) * kLineBytes + (step - odd) / 2 * kTwoSteps + (step - odd) % 2 * kLineBytes;
}

/// Floats of one vector on the instruction set in use.
std::size_t lanes();

/// panel[k * width + t] = x[t][k] for `tokens` rows of x and `in` of their columns; 0 for t from tokens to width, which
/// are less than a vector apart.
void to_panel(const float* x, std::size_t x_stride, std::size_t tokens, std::size_t in, float* panel,
              std::size_t width);
/// y[t][o] = panel[o * width + t] + bias[o]; bias may be null.
void from_panel(const float* panel, std::size_t width, std::size_t tokens, std::size_t out, const float* bias, float* y,
                std::size_t y_stride);

/// tile[output * width ..] = the sum of weight * panel[input * width ..] over all of the output's nonzeros, added to
/// what is there if `add` is set. `width` is 1 to kMostVectors vectors. The tile has a row for kNoOutput as well.
void multiply_slices(const Slices& slices, const float* panel, std::size_t width, bool add, float* tile);
/// The same for a single token: y[output] += weight * x[input].
void multiply_slices_once(const Slices& slices, const float* x, float* y);

/// 16 outputs next to each other: bit o of masks[k] says whether output o has a weight at input k; the weights follow
/// each other without gaps, and 16 floats after the last one may be read. y[r][o] = sum_k x[r][k] w[o][k] + bias[o],
/// for the first `outputs` of the 16 and up to kMaskedRows rows.
struct MaskedOutputs {
  const std::uint16_t* masks = nullptr;
  const float* weights = nullptr;
  std::size_t in = 0, outputs = kSliceOutputs;
};
void multiply_masked(const MaskedOutputs& block, const float* x, std::size_t rows, std::size_t x_stride,
                     const float* bias, float* y, std::size_t y_stride);

}  // namespace pare::kernels
