// What elements of quantized blocks are compared with, as numbers.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>

#include "kernels/magnitude.h"

namespace pare::kernels {

/// The extremes so far as numbers.
struct Extremes {
  float top = -1, bottom = 0, nearest = 0;

  explicit Extremes(const KeyRange& range) {
    const auto number = [](std::uint64_t pattern) { return std::bit_cast<float>(static_cast<std::uint32_t>(pattern)); };
    constexpr std::uint64_t kSign = 0x80000000;
    if (range.any_positive) top = number(range.max_positive);
    if ((range.max_unsigned & kSign) != 0) bottom = number(range.max_unsigned);
    nearest = range.min_key >= kSign ? std::bit_cast<float>(0x7f800000U) : number(range.min_key);
  }
  /// No extreme has a smaller magnitude, but the nearest.
  float smaller() const { return std::min(top, -bottom); }
};

/// Scales between this and zero are rare, and have no inverse. That of zero is of this, which is large enough if the
/// cutoff is not below the second.
constexpr float kLeastScale = 0x1p-100F, kLeastCutoff = 0x1p-90F;

}  // namespace pare::kernels
