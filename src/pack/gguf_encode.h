// F32 values as GGUF files store them.
#pragma once

#include <cstddef>

#include "pare/convert.h"

namespace pare::pack {

/// Writes n values; for Q8_0, n is a multiple of 32. Rounds as the PyPI package gguf does.
void encode_gguf(GgufWeights weights, const float* values, std::size_t n, std::byte* out);

}  // namespace pare::pack
