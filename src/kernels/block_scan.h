// One sweep over a block of elements for everything that a scan wants to know of it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/magnitude.h"
#include "kernels/moments.h"

namespace pare::kernels {

struct BlockScan {
  KeyRange range;                    ///< as key_range() finds it
  std::uint64_t zeros = 0;           ///< +0.0 and -0.0
  std::uint64_t negative_zeros = 0;  ///< -0.0
  bool finite = true;                ///< no element is infinite or NaN
};

/// Adds the range of further elements.
void merge(const KeyRange& rest, KeyRange& range);

/// Most elements of one call.
constexpr std::size_t kMostScanned = std::size_t{1} << 16;

/// Scans n elements, 0 < n <= kMostScanned, and adds the finite ones to `lanes` as add_moments() does: the same bits
/// for every instruction set. Call with multiples of MomentLanes::kLanes except for the last piece of a run.
BlockScan scan_block(FloatType type, const std::byte* data, std::size_t n, std::uint64_t cutoff, MomentLanes& lanes);

}  // namespace pare::kernels
