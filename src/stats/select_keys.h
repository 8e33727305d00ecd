// Selection of the k smallest: order statistics of keys of any kind (magnitudes, drawn scores, norms of blocks), found
// digit by digit. Nothing is sorted, and memory does not grow with the number of elements.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "pare/context.h"

namespace pare::stats {

/// Keys are cut into digits of 16 bits, most significant first.
constexpr unsigned kDigitBits = 16;
constexpr std::size_t kDigits = std::size_t{1} << kDigitBits;

/// 2^16 counters of a digit's values.
using DigitCounts = std::vector<std::uint64_t>;

/// Unsigned keys of many elements, in any order, which can be read several times: in a group of processes, of those
/// elements that this process reads.
class KeyCounter {
 public:
  virtual ~KeyCounter() = default;
  /// For each prefix (ascending, distinct; just {0} for digit 0), the counts of the next digit over
  /// the elements whose earlier digits are that prefix.
  virtual std::vector<DigitCounts> count(unsigned digit, std::span<const std::uint64_t> prefixes) = 0;
  /// If at most this many elements share a prefix, their keys are listed instead of counted further; 0: never.
  virtual std::uint64_t list_limit() const { return 0; }
  /// For each prefix, the keys whose first `digit` digits it is, in any order.
  virtual std::vector<std::vector<std::uint64_t>> list(unsigned digit, std::span<const std::uint64_t> prefixes);
};

struct SelectedKey {
  std::uint64_t key = 0;
  std::uint64_t ties_before = 0;  ///< elements of this key that come before the position
};

/// The keys at the 0-based `positions` (each below `elements`, the number of elements) of the rising order, in the
/// order of `positions`. Keys have `digits` digits. The keys are read at most once per digit, for all positions
/// together. In a group, every rank calls this with the same `positions` and the number of `elements` of all ranks, and
/// gets the result; each sends its counts once per digit (some 100 KB per position, see base::reduce()).
std::vector<SelectedKey> select_keys(KeyCounter& keys, unsigned digits, std::uint64_t elements,
                                     std::span<const std::uint64_t> positions, const Context& context = {});

}  // namespace pare::stats
