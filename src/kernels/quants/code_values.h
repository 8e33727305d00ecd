// The elements that FP8 bytes without a sign stand for.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/quants/code_fold.h"

namespace pare::kernels {

constexpr std::size_t kMagnitudes = 128;

/// The FP8 numbers of the magnitudes; the last ones are infinite or NaN. Aligned to 64 bytes.
const float* code_numbers(ByteType type);

/// The pattern of the element nearest to a number that is not negative, ties to even.
std::uint32_t element_pattern(FloatType type, float number);
/// What a pattern without a sign stands for.
float element_value(FloatType type, std::uint32_t pattern);

/// What fold_codes() needs to know of a scale.
struct CodeTable {
  alignas(64) float values[kMagnitudes];  ///< of the elements without a sign
  std::size_t count = 0;                  ///< magnitudes below the limit, which are the first
  std::size_t above = 0;                  ///< magnitudes from here on exceed the cutoff; not 0
  std::size_t inside = 0;                 ///< from here on they are not below it: `above`, or less if some equal it
  int unit = 0;                           ///< values below the limit are multiples of 2^unit
  int bits = 0;                           ///< and less than 2^bits of them, bits <= 56
  bool is_short = false;                  ///< no value has more than 8 significant bits
};

/// Fills a table. Returns false if the values do not rise from zero.
bool make_table(const CodeScale& scale, const CodeCutoffs& cutoffs, CodeTable& table);

/// Whether the scale is positive and finite, without which there is no table.
bool rises(const CodeScale& scale);
/// The first cutoff as F32.
std::uint32_t cutoff_pattern(const CodeScale& scale, const CodeCutoffs& cutoffs);
/// Finds the rest from values, `count` and `above`. `patterns` are all bits that occur in the values as F32. Returns
/// false if the values do not rise from zero.
bool finish_table(std::uint32_t cutoff, std::uint32_t patterns, CodeTable& table);

}  // namespace pare::kernels
