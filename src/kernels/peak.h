// Measures of the machine's peak, of which results are reported as fractions.
#pragma once

#include <cstddef>

namespace pare::kernels {

/// Sum of n floats, limited by the speed of memory only.
float read_all(const float* x, std::size_t n);
/// Runs rounds of fused multiply-adds in registers and returns their number per round. `out` keeps the compiler from
/// removing them.
std::size_t multiply_in_registers(std::size_t rounds, float* out);

}  // namespace pare::kernels
