// Statistics of blocks by computing their elements, where small integers do not suffice.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/quants/block_fold.h"

namespace pare::kernels {

/// Scans at most kMostValues elements. Returns false if one is infinite or NaN, or reaches the limit.
bool scan_values(BlockType type, const std::uint8_t* blocks, std::size_t count, const FoldCutoffs& cutoffs,
                 BlockScan& scan, MomentLanes& lanes);
/// Adds the range of as many elements.
void extend_range(BlockType type, const std::uint8_t* blocks, std::size_t count, KeyRange& range);

constexpr std::size_t kMostValues = 512;

}  // namespace pare::kernels
