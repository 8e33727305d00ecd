#include "stats/rank.h"

#include <algorithm>
#include <bit>

#include "stats/float_format.h"
#include "stats/rank_digits.h"

namespace pare::stats {

RankSpace::RankSpace(std::span<const TensorView> tensors) : type_(DType::kF32) {
  for (const TensorView& tensor : tensors)
    if (tensor.dtype == DType::kF64) type_ = DType::kF64;
}

std::uint64_t RankSpace::to_rank(DType dtype, std::uint64_t key) const {
  if (dtype == type_) return key;
  const FloatFormat& from = float_format(dtype);
  const FloatFormat& to = float_format(type_);
  if (from.is_nan(key)) {
    if (from.infinity == 0) return to.infinity + 1;
    return to.infinity + ((key - from.infinity) << (to.mantissa_bits - from.mantissa_bits));
  }
  const double magnitude = key_value(from, key);
  if (is_wide()) return std::bit_cast<std::uint64_t>(magnitude);
  return std::bit_cast<std::uint32_t>(static_cast<float>(magnitude));
}

std::uint64_t RankSpace::first_key(DType dtype, std::uint64_t rank) const {
  if (dtype == type_) return rank;
  std::uint64_t low = 0, high = float_format(dtype).sign_bit();  // one past the largest key
  while (low < high) {
    const std::uint64_t middle = low + (high - low) / 2;
    if (to_rank(dtype, middle) < rank) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

double RankSpace::value(std::uint64_t rank) const { return key_value(float_format(type_), rank); }

namespace {

/// Finds, in counts of one digit, where each search goes on.
void descend(std::vector<Search>& searches, std::span<const DigitCounts> counts) {
  for (Search& search : searches) {
    const DigitCounts& digits = counts[search.slot];
    std::uint64_t digit = 0;
    while (search.position >= digits[digit]) search.position -= digits[digit++];
    search.prefix = (search.prefix << 16) | digit;
  }
}

}  // namespace

std::vector<std::uint64_t> select_ranks(const RankSpace& space, std::span<const TensorView> tensors,
                                        std::span<const std::uint64_t> positions, unsigned threads) {
  std::vector<Search> searches;
  for (const std::uint64_t position : positions) searches.push_back({0, position, 0});
  const std::unique_ptr<DigitCounter> counter = make_digit_counter(space, tensors, threads);
  for (unsigned digit = 0; digit < (space.is_wide() ? 4U : 2U); ++digit) {
    std::vector<std::uint64_t> prefixes;
    for (const Search& search : searches) prefixes.push_back(search.prefix);
    std::sort(prefixes.begin(), prefixes.end());
    prefixes.erase(std::unique(prefixes.begin(), prefixes.end()), prefixes.end());
    for (Search& search : searches)
      search.slot = static_cast<std::size_t>(std::lower_bound(prefixes.begin(), prefixes.end(), search.prefix) -
                                             prefixes.begin());
    descend(searches, counter->count(digit, prefixes));
  }
  std::vector<std::uint64_t> ranks;
  for (const Search& search : searches) ranks.push_back(search.prefix);
  return ranks;
}

}  // namespace pare::stats
