// What fold_codes() needs to know of bytes, and how it is found with AVX-512 VBMI and VNNI.
#pragma once

#include <cstdint>

#include "kernels/quants/code_fold.h"
#include "kernels/quants/code_values.h"

namespace pare::kernels {

using Int128 = __int128;
using Unsigned128 = unsigned __int128;

struct CodeTally {
  std::uint64_t above = 0, outside = 0;  ///< of any sign above the cutoff; without a sign and not below it
  std::uint64_t negative = 0, zeros = 0, negative_zeros = 0;
  int largest_positive = -1, largest_negative = -1;  ///< magnitudes; -1 if there are none
  int smallest = 128;
  Int128 sum = 0;  ///< of values, in units of the table
  Unsigned128 squares = 0;
};

/// The same as make_table(). Only if has_vbmi().
bool make_table_by_vectors(const CodeScale& scale, const CodeCutoffs& cutoffs, CodeTable& table);
/// Digits of the values are looked up 64 at a time, and added up apart. Only if has_vbmi().
CodeTally tally_by_planes(const CodeRows& codes, const CodeTable& table);

}  // namespace pare::kernels
