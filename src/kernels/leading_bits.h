// Histograms of bit patterns, for sketches and for refining thresholds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/magnitude.h"

namespace pare::kernels {

/// Bins of count_leading_bits: patterns' top 16 bits (sign included), all 8 for one-byte types.
constexpr std::size_t kLeadingBins = 1U << 16;

/// table[top bits of element] += 1. n must be below 2^31 between two clearings of the table:
/// `table` holds two sub-tables of kLeadingBins, which the caller adds up. With a single table, each increment in a run
/// of equal values would wait for the one before.
void count_leading_bits(Width width, const std::byte* data, std::size_t n, std::uint32_t table[2 * kLeadingBins]);

/// Second digit of 32-bit patterns: for every element whose top 16 bits (sign included) have a slot,
/// counts its low 16 bits. slot_of[top bits] is 0 for "none", else 1 + the index of a table of 2^16
/// counters in `tables`.
void count_trailing_bits(const std::byte* data, std::size_t n, const std::uint8_t slot_of[kLeadingBins],
                         std::uint64_t* tables);

}  // namespace pare::kernels
