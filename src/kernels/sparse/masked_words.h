// Products with masked weights of 16 bits (see sparse.h) by an instruction of AVX-512 VBMI2, which spreads 32 of them
// at once: those of 16 outputs and two inputs. The results are those of every other instruction set.
#pragma once

#include <cstddef>

#include "kernels/sparse/sparse.h"

namespace pare::kernels {

/// Whether this machine has the instruction.
bool has_masked_words();

/// multiply_masked() for weights of 16 bits; only if has_masked_words().
void multiply_masked_words(const MaskedOutputs* blocks, std::size_t count, const float* x, std::size_t rows,
                           std::size_t x_stride, const float* bias, float* y, std::size_t y_stride);

}  // namespace pare::kernels
