// Products of a few rows with a matrix, which take most of the time of decoding. Every weight is used only a few times,
// so these are bound by memory, and a general matrix product would be slower.
#pragma once

#include <cstddef>

namespace pare::kernels {

constexpr std::size_t kFewRows = 4;  ///< largest number of rows of x

/// y[r][o] = sum_i x[r][i] * w[o][i] + bias[o] for o in [begin, end): torch.nn.Linear's weights, [out, in].
/// x: rows x in, y: rows x y_stride (column o). bias may be null.
void multiply_out_in(const float* x, std::size_t rows, const float* w, std::size_t in, std::size_t begin,
                     std::size_t end, const float* bias, float* y, std::size_t y_stride);

/// The same for transformers' Conv1D, w[i][o]: `out` is the length of its rows.
void multiply_in_out(const float* x, std::size_t rows, const float* w, std::size_t in, std::size_t out,
                     std::size_t begin, std::size_t end, const float* bias, float* y, std::size_t y_stride);

}  // namespace pare::kernels
