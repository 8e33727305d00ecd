// Magnitudes as numbers, for norms.
#pragma once

#include <cstdint>

#include "pare/checkpoint.h"

namespace pare::prune {

/// Fills `target` with |w| of elements [begin, begin + n). Exact, including NaN and infinity, and the same for every
/// instruction set. F64 tensors give doubles only, others floats only.
void magnitudes(const TensorView& tensor, std::uint64_t begin, std::size_t n, float* target);
void magnitudes(const TensorView& tensor, std::uint64_t begin, std::size_t n, double* target);

}  // namespace pare::prune
