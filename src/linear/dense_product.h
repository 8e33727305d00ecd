// Products with all weights of a matrix.
#pragma once

#include "linear/layer_weights.h"
#include "linear/pieces_of_work.h"
#include "pare/linear.h"

namespace pare::linear {

/// y = x W + b, for many rows; every row of y is written. `bias` may be null. 16-bit weights are widened a panel at a
/// time in a buffer that stays in the second-level cache; the results are those of the same weights as F32, bit for
/// bit.
void multiply_dense(const LayerWeights& weights, const Matrix& x, const float* bias, Matrix& y, const Context& context);
/// The same in about `pieces` pieces, for at most kernels::kFewRows rows.
Work dense_work(const LayerWeights& weights, const Matrix& x, const float* bias, Matrix& y, std::size_t pieces);

/// Whether multiply_rounded() works on this machine.
bool can_multiply_rounded();
/// The same product for BF16 weights, with x rounded to BF16 and sums in F32.
void multiply_rounded(const LayerWeights& weights, const Matrix& x, const float* bias, Matrix& y,
                      const Context& context);

}  // namespace pare::linear
