#include "kernels/quants/code_fold.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <optional>

#include "kernels/quants/code_tally.h"
#include "kernels/targets.h"

namespace pare::kernels {
namespace {

constexpr int kMostBits = 56;
constexpr unsigned kSign = 0x80;

/// How many magnitudes have values below the limit, which are the first; nothing if values do not rise from zero.
std::optional<std::size_t> usable_magnitudes(const CodeValues& values, float limit) {
  if (values.patterns[0] != 0 || values.patterns[1] == 0) return std::nullopt;
  std::size_t count = 1;
  bool rises = true;
  // Without branches, so that it takes less time than the bytes. Comparing with NaN is false.
  for (std::size_t i = 1; i < kMagnitudes; ++i) {
    const bool is_below = values.values[i] < limit, is_rising = values.values[i] >= values.values[i - 1];
    count += is_below ? 1 : 0;
    rises &= is_rising || !is_below;
  }
  if (!rises || count < 2) return std::nullopt;
  return count;
}

/// The exponent of the unit; nothing if the values are too far apart. Magnitudes from `count` on get no values.
std::optional<int> make_table(const CodeValues& values, std::size_t count, std::uint64_t cutoff, CodeTable& table) {
  const int unit = std::ilogb(values.values[1]) - 23;
  if (std::ilogb(values.values[count - 1]) - unit >= kMostBits) return std::nullopt;
  const double units = std::ldexp(1.0, -unit);
  std::int64_t all = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const auto multiple = static_cast<std::int64_t>(values.values[i] * units);
    table.multiples[i] = static_cast<std::uint64_t>(multiple);
    all |= multiple;
  }
  std::fill(table.multiples + count, table.multiples + kMagnitudes, 0);
  const int even = std::countr_zero(static_cast<std::uint64_t>(all));
  for (std::uint64_t& multiple : table.multiples) multiple >>= even;
  const std::uint32_t *begin = values.patterns, *end = begin + count;
  const auto place = [&](const std::uint32_t* at) {
    return static_cast<std::uint8_t>(at == end ? kMagnitudes : static_cast<std::size_t>(at - begin));
  };
  table.above = place(std::upper_bound(begin, end, cutoff));
  table.inside = place(std::lower_bound(begin, end, cutoff));
  return unit + even;
}

/// Counts every byte, in four tables, because a counter that was just written waits.
CodeTally tally_by_counts(const CodeRows& codes, const CodeTable& table) {
  constexpr std::size_t kTables = 4;
  std::uint32_t counts[kTables][2 * kMagnitudes] = {};
  for (std::size_t row = 0; row < codes.rows; ++row) {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(codes.data) + row * codes.stride;
    const std::size_t whole = codes.columns / kTables * kTables;
    for (std::size_t i = 0; i < whole; i += kTables)
      for (std::size_t k = 0; k < kTables; ++k) ++counts[k][bytes[i + k]];
    for (std::size_t i = whole; i < codes.columns; ++i) ++counts[0][bytes[i]];
  }
  CodeTally tally;
  for (unsigned code = 0; code < 2 * kMagnitudes; ++code) {
    const std::uint64_t count = std::uint64_t{counts[0][code]} + counts[1][code] + counts[2][code] + counts[3][code];
    if (count == 0) continue;
    const bool negative = code >= kSign;
    const unsigned magnitude = code % kSign;
    if (magnitude >= table.above) tally.above += count;
    if (!negative && magnitude >= table.inside) tally.outside += count;
    if (negative) tally.negative += count;
    if (magnitude == 0) (negative ? tally.negative_zeros : tally.zeros) += count;
    int& largest = negative ? tally.largest_negative : tally.largest_positive;
    largest = std::max(largest, static_cast<int>(magnitude));
    tally.smallest = std::min(tally.smallest, static_cast<int>(magnitude));
    const auto sum = static_cast<Int128>(table.multiples[magnitude]) * static_cast<Int128>(count);
    tally.sum += negative ? -sum : sum;
    tally.squares += static_cast<Unsigned128>(table.multiples[magnitude]) * table.multiples[magnitude] * count;
  }
  tally.zeros += tally.negative_zeros;
  return tally;
}

KeyRange range_of(const CodeTally& tally, const CodeValues& values, std::uint64_t elements) {
  const std::uint64_t sign = std::uint64_t{1} << (8 * static_cast<unsigned>(values.width) - 1);
  KeyRange range;
  range.any_positive = tally.largest_positive >= 0;
  if (range.any_positive) range.max_positive = values.patterns[tally.largest_positive];
  range.max_unsigned =
      tally.largest_negative >= 0 ? values.patterns[tally.largest_negative] | sign : range.max_positive;
  range.min_key = values.patterns[tally.smallest];
  range.above = tally.above;
  range.negative = tally.negative;
  range.inside = elements - tally.negative - tally.outside;
  return range;
}

}  // namespace

bool fold_codes(const CodeRows& codes, const CodeValues& values, const CodeCutoffs& cutoffs, BlockScan& scan,
                MomentLanes& lanes) {
  const auto count = usable_magnitudes(values, cutoffs.limit);
  if (!count) return false;
  CodeTable table;
  const auto unit = make_table(values, *count, cutoffs.first, table);
  if (!unit) return false;
  choose_target();
  const CodeTally tally =
      takes_masked_words() && has_code_planes() ? tally_by_planes(codes, table) : tally_by_counts(codes, table);
  if (std::max(tally.largest_positive, tally.largest_negative) >= static_cast<int>(*count)) return false;
  merge(range_of(tally, values, codes.rows * codes.columns), scan.range);
  scan.zeros += tally.zeros;
  scan.negative_zeros += tally.negative_zeros;
  lanes.sum[0] += std::ldexp(static_cast<double>(tally.sum), *unit);
  lanes.squares[0] += std::ldexp(static_cast<double>(tally.squares), 2 * *unit);
  return true;
}

}  // namespace pare::kernels
