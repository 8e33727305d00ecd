// Elements with chosen leading bits, for quantiles. Pointers may be unaligned. Results are identical for every
// instruction set.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace pare::kernels {

constexpr std::size_t kPickSlack = 64;  ///< elements after its results that pick_leading() may overwrite

/// Copies the 32-bit patterns, in their order, whose bits 16 to 30 (of an F32 magnitude, the leading 15) are one of
/// `bins`; returns their number. `found` has room for n + kPickSlack patterns. The time grows with the number of bins.
std::size_t pick_leading(const std::byte* data, std::size_t n, std::span<const std::uint32_t> bins,
                         std::uint32_t* found);

}  // namespace pare::kernels
