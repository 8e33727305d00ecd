// What fold_codes() needs to know of bytes, and how it is found with AVX-512 VBMI and VNNI.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/quants/code_fold.h"

namespace pare::kernels {

using Int128 = __int128;
using Unsigned128 = unsigned __int128;

/// The values of the magnitudes as multiples of one unit, below 2^56.
struct CodeTable {
  std::uint64_t multiples[kMagnitudes];
  std::uint8_t above;   ///< magnitudes from here on exceed the cutoff; at most 128
  std::uint8_t inside;  ///< magnitudes below are below the cutoff; at most 128
};

struct CodeTally {
  std::uint64_t above = 0, outside = 0;  ///< of any sign above the cutoff; without a sign and not below it
  std::uint64_t negative = 0, zeros = 0, negative_zeros = 0;
  int largest_positive = -1, largest_negative = -1;  ///< magnitudes; -1 if there are none
  int smallest = 128;
  Int128 sum = 0;  ///< of multiples
  Unsigned128 squares = 0;
};

/// Whether this machine can tally by tally_by_planes().
bool has_code_planes();
/// Bytes of the multiples are looked up 64 at a time, and added up apart.
CodeTally tally_by_planes(const CodeRows& codes, const CodeTable& table);

}  // namespace pare::kernels
