// Weights of any floating type as F32, for arithmetic.
#pragma once

#include <cstddef>

#include "kernels/moments.h"

namespace pare::kernels {

/// Converts n elements to F32; F64 rounds to nearest even, the others are exact.
void to_f32(FloatType type, const std::byte* data, std::size_t n, float* out);

}  // namespace pare::kernels
