// What the machine can do at most: for shares of it.
#pragma once

#include <cstddef>

namespace pare::kernels {

/// Sum of n floats, read as fast as they come.
float read_all(const float* x, std::size_t n);
/// Fused multiply-adds in registers: as many in each round as it returns. `out` keeps them from being left out.
std::size_t multiply_in_registers(std::size_t rounds, float* out);

}  // namespace pare::kernels
