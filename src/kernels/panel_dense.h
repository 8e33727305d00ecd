// Products of a panel of tokens with all weights of a matrix.
#pragma once

#include <cstddef>

#include "kernels/weight_view.h"

namespace pare::kernels {

/// result[o * width ..] = sum_k w[o][k] * panel[k * width ..] for the outputs [begin, end). `weights` are [out, in] if
/// `out_in` is set, else [in, out]. `width` is 1 to kMostVectors vectors. Sums run over the inputs in rising order with
/// fused multiply-adds; 16-bit weights give the same results as if they were F32.
void multiply_dense_panel(const WeightView& weights, bool out_in, std::size_t begin, std::size_t end,
                          const float* panel, std::size_t width, float* result);

}  // namespace pare::kernels
