// Statistics of FP8 weights that share a scale, from their bytes: the values of 128 magnitudes rise with them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/block_scan.h"
#include "kernels/moments.h"
#include "kernels/quants/scaled_bytes.h"

namespace pare::kernels {

/// Bytes that will be read soon, which are fetched on the way: in lines of 64 bytes, one for each that is read.
struct CodesSoon {
  const std::byte* data = nullptr;
  std::size_t left = 0, lines = 0;  ///< lines of the first row, and of others
};

/// Bytes with a sign bit and a magnitude, in rows that are `stride` bytes apart.
struct CodeRows {
  const std::byte* data;
  std::size_t rows, columns, stride;
  CodesSoon soon = {};  ///< with the same stride; only if there are several rows
};

/// What the bytes stand for: the product of the FP8 number and the scale as F32, rounded to the type of the elements.
struct CodeScale {
  ByteType codes;      ///< E4M3 or E5M2
  FloatType elements;  ///< F32, F16 or BF16
  float scale;
};

struct CodeCutoffs {
  std::uint64_t first = 0;  ///< the pattern of the cutoff that is counted, not negative
  float limit = 0;          ///< no element may have a magnitude from here on; infinity if all may
};

/// Scans the elements as scan_block() scans them, and adds to `scan` and `lanes`; the range in `scan` is that of
/// earlier elements. Sums are exact before they are added to the first lane: the same bits for every instruction set.
/// Returns false, and changes nothing, if an element reaches the limit, is infinite or NaN, or if the scale is not
/// positive, or so small that the least magnitude stands for zero.
bool fold_codes(const CodeRows& codes, const CodeScale& scale, const CodeCutoffs& cutoffs, BlockScan& scan,
                MomentLanes& lanes);

}  // namespace pare::kernels
