// Statistics of quantized blocks, from their small integers: most elements are never computed.
#pragma once

#include <cstddef>

#include "kernels/block_scan.h"
#include "kernels/quants/block_quants.h"

namespace pare::kernels {

struct FoldCutoffs {
  std::uint32_t first = 0;  ///< the F32 pattern of the cutoff that is counted, not negative
  float limit = 0;          ///< no element may have a magnitude from here on; infinity if all may
};

/// Scans `count` blocks, whose elements are at most kMostScanned, as scan_block() scans their values, and adds to
/// `scan` and `lanes`. The range in `scan` is that of earlier blocks of the same tensor, or as it is made; with one,
/// blocks are scanned faster. Sums are of other roundings than scan_block()'s, but the same bits for every instruction
/// set: those of 16 or 32 elements are exact and go to one lane, unless values are rounded to F32, which is rare.
/// Returns false, and changes nothing, if an element may reach the limit, is infinite or NaN, and for some blocks that
/// no program writes.
bool fold_blocks(BlockType type, const std::byte* blocks, std::size_t count, const FoldCutoffs& cutoffs,
                 BlockScan& scan, MomentLanes& lanes);

}  // namespace pare::kernels
