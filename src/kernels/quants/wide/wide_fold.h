// fold_blocks() with AVX-512 VBMI, VNNI, GFNI and BITALG, for the types that large models have.
#pragma once

#include <cstddef>
#include <optional>

#include "kernels/quants/block_fold.h"

namespace pare::kernels {

/// As fold_blocks(), with the same results, but `scan` and `lanes` may be changed where it returns false. Nothing, and
/// no change, for a type or cutoffs that it does not take. Only if has_vbmi().
std::optional<bool> fold_blocks_wide(BlockType type, const std::byte* blocks, std::size_t count,
                                     const FoldCutoffs& cutoffs, BlockScan& scan, MomentLanes& lanes);

}  // namespace pare::kernels
