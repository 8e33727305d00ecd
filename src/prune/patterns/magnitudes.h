// Magnitudes as numbers, for sums of them.
#pragma once

#include <cstdint>

#include "pare/checkpoint.h"

namespace pare::prune {

/// Fills `target` with |w| of elements [begin, begin + n). Exact, NaN and infinity included; the same for every
/// instruction set. F64 tensors only into doubles, the others only into floats.
void magnitudes(const TensorView& tensor, std::uint64_t begin, std::size_t n, float* target);
void magnitudes(const TensorView& tensor, std::uint64_t begin, std::size_t n, double* target);

}  // namespace pare::prune
