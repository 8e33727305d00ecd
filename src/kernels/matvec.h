// Products of a few rows with a matrix, which take most of the time of decoding. Every weight is used only a few times,
// so these are bound by memory, and a general matrix product would be slower.
#pragma once

#include <cstddef>

#include "kernels/weight_view.h"

namespace pare::kernels {

constexpr std::size_t kFewRows = 4;  ///< largest number of rows of x

// The results with 16-bit weights are, bit for bit, those with the same weights as F32.

/// y[r][o] = sum_i x[r][i] * w[o][i] + bias[o] for o in [begin, end): torch.nn.Linear's weights, [out, in].
/// x: rows x in, y: rows x y_stride (column o). bias may be null.
void multiply_out_in(const float* x, std::size_t rows, const WeightView& w, std::size_t begin, std::size_t end,
                     const float* bias, float* y, std::size_t y_stride);

/// The same for transformers' Conv1D, w[i][o].
void multiply_in_out(const float* x, std::size_t rows, const WeightView& w, std::size_t begin, std::size_t end,
                     const float* bias, float* y, std::size_t y_stride);

}  // namespace pare::kernels
