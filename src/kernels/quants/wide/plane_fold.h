// Statistics of blocks of two-bit and three-bit numbers. Only for wide_fold.cpp.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/quants/block_fold.h"

namespace pare::kernels::wide {

/// fold_blocks_wide() of Q2_K and Q3_K; at most kMostScanned elements.
bool fold_planes(BlockType type, const std::uint8_t* blocks, std::size_t count, const FoldCutoffs& cutoffs,
                 BlockScan& scan, MomentLanes& moments);

}  // namespace pare::kernels::wide
