// Counting over raw bit patterns. For IEEE floats the order of |w| is the order of the pattern with
// its sign bit cleared (the "magnitude key"), so one integer kernel per width serves every dtype.
// Pointers may be unaligned. Counts are identical for every instruction set.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace pare::kernels {

/// Width of an element.
enum class Width : std::uint8_t { k8 = 1, k16 = 2, k32 = 4, k64 = 8 };

struct KeyRange {
  std::uint64_t max_unsigned = 0;  ///< largest pattern: the most negative element, if there is one
  std::uint64_t max_positive = 0;  ///< largest pattern with the sign clear; see any_positive
  bool any_positive = false;       ///< some sign bit is clear
  std::uint64_t min_key = ~0ULL;   ///< smallest magnitude key
  std::uint64_t above = 0;         ///< #{key > cutoff}
  std::uint64_t inside = 0;        ///< #{pattern < cutoff}: 0 <= w < c, -0.0 left out
  std::uint64_t negative = 0;      ///< #{sign bit set}, -0.0 included
};
/// One sweep over n > 0 elements.
KeyRange key_range(Width width, const std::byte* data, std::size_t n, std::uint64_t cutoff);

/// Only `above` and `inside` of key_range, for further cutoffs.
struct SideCount {
  std::uint64_t above = 0;
  std::uint64_t inside = 0;
};
SideCount count_sides(Width width, const std::byte* data, std::size_t n, std::uint64_t cutoff);

struct RankCount {
  std::uint64_t below = 0;  ///< #{key < pivot}
  std::uint64_t equal = 0;  ///< #{key == pivot}
};
RankCount count_rank(Width width, const std::byte* data, std::size_t n, std::uint64_t pivot);

/// #{pattern == bits}
std::uint64_t count_pattern(Width width, const std::byte* data, std::size_t n, std::uint64_t bits);

/// Copies elements whose key is at least `cut`; writes +0 for the others.
void copy_from_key(Width width, const std::byte* source, std::byte* target, std::size_t n, std::uint64_t cut);

/// Name of the instruction set in use.
std::string dispatched_target();

}  // namespace pare::kernels
