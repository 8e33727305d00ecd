// Masks of nonzero elements, their extraction, and the reverse. Bits are packed into bytes, the first element in the
// lowest bit. Pointers may be unaligned. Results are identical for every instruction set.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/magnitude.h"

namespace pare::kernels {

/// Fills (n + 7) / 8 bytes; bits beyond the last element are 0.
void nonzero_bits(Width width, const std::byte* data, std::size_t n, std::uint8_t* bits);

constexpr std::size_t kCompressSlack = 256;  ///< bytes after its results that compress() may overwrite

/// Copies the elements whose bit is set, one after another, and returns their number.
std::size_t compress(Width width, const std::byte* data, std::size_t n, const std::uint8_t* bits, std::byte* values);

/// Spreads values over the elements whose bit is set and writes 0 for the others; returns the number of values used.
/// There must be one value for each set bit.
std::size_t expand(Width width, const std::uint8_t* bits, std::size_t n, const std::byte* values, std::byte* data);

}  // namespace pare::kernels
