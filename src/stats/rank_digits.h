// Counting one 16-bit digit of the rank keys at a time, most significant first.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "stats/rank.h"

namespace pare::stats {

/// 2^16 counters of a digit's values.
using DigitCounts = std::vector<std::uint64_t>;

/// One order statistic on its way: the digits found so far, and the position among elements that
/// share them.
struct Search {
  std::uint64_t prefix = 0;
  std::uint64_t position = 0;
  std::size_t slot = 0;  ///< of prefix among the distinct prefixes
};

class DigitCounter {
 public:
  virtual ~DigitCounter() = default;
  /// For each prefix (ascending, distinct; just {0} for digit 0), the counts of the next digit over
  /// the elements whose earlier digits are that prefix.
  virtual std::vector<DigitCounts> count(unsigned digit, std::span<const std::uint64_t> prefixes) = 0;
};

/// Two digits of F32 keys: 16-bit and 8-bit types are read once, F32 twice.
std::unique_ptr<DigitCounter> make_digit_counter(const RankSpace& space, std::span<const TensorView> tensors,
                                                 unsigned threads);

}  // namespace pare::stats
