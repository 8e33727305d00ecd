// The six analyzed dtypes as bit patterns: keys (patterns without sign) to values and back.
#pragma once

#include <cstdint>

#include "kernels/magnitude.h"
#include "pare/checkpoint.h"

namespace pare::stats {

/// Layout of a binary floating-point format.
struct FloatFormat {
  kernels::Width width;
  unsigned mantissa_bits;
  int bias;
  std::uint64_t finite_max;  ///< largest key of a finite value
  std::uint64_t infinity;    ///< key of infinity; 0 if the format has none (E4M3)

  unsigned bits() const noexcept { return static_cast<unsigned>(width) * 8; }
  std::size_t size() const noexcept { return static_cast<std::size_t>(width); }
  std::uint64_t sign_bit() const noexcept { return 1ULL << (bits() - 1); }
  bool is_nan(std::uint64_t key) const noexcept { return key > finite_max && key != infinity; }
};

/// Throws std::invalid_argument for a dtype that is not analyzed (a bug of the caller).
const FloatFormat& float_format(DType dtype);

/// Exact value of a key: +0.0 and up, infinity, or NaN.
double key_value(const FloatFormat& format, std::uint64_t key);

/// Key of a magnitude (>= 0) rounded to nearest, ties to even, as a cast in PyTorch rounds. Beyond the range it is the
/// key of infinity, or of NaN for E4M3, which has no infinity.
std::uint64_t rounded_key(const FloatFormat& format, double magnitude);

/// Smallest key whose value is at least `magnitude`; one past infinity's key if none is.
std::uint64_t ceiling_key(const FloatFormat& format, double magnitude);

/// Pattern of one element.
std::uint64_t load_pattern(const FloatFormat& format, const std::byte* data, std::uint64_t index);

}  // namespace pare::stats
