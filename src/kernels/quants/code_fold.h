// Statistics of FP8 weights that share a scale, from how often each byte occurs: their values are those of 256 bytes.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/block_scan.h"
#include "kernels/magnitude.h"

namespace pare::kernels {

/// Bytes with a sign bit and a magnitude, in rows that are `stride` bytes apart; at most 2^20 of them.
struct CodeRows {
  const std::byte* data;
  std::size_t rows, columns, stride;
};

constexpr std::size_t kMagnitudes = 128;

/// The patterns of the elements of magnitudes 0 to 127, of the sign bit clear, in a type of this width: F32, or BF16 or
/// F16 if it is k16. What they stand for, as F32.
struct CodeValues {
  Width width;
  std::uint32_t patterns[kMagnitudes];
  float values[kMagnitudes];
};

struct CodeCutoffs {
  std::uint64_t first = 0;  ///< the pattern of the cutoff that is counted, not negative
  float limit = 0;          ///< no element may have a magnitude from here on; infinity if all may
};

/// Scans the elements as scan_block() scans their values, and adds to `scan` and `lanes`; the range in `scan` is that
/// of earlier elements. Sums are exact before they are added to the first lane: the same bits for every instruction
/// set. Returns false, and changes nothing, if an element reaches the limit, is infinite or NaN, or if the values of
/// rising magnitudes do not rise from zero, as with a scale that is not positive.
bool fold_codes(const CodeRows& codes, const CodeValues& values, const CodeCutoffs& cutoffs, BlockScan& scan,
                MomentLanes& lanes);

}  // namespace pare::kernels
