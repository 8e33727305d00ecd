#include "kernels/quants/code_fold.h"

#include <algorithm>
#include <bit>

#include "kernels/quants/code_tally.h"
#include "kernels/quants/code_values.h"
#include "kernels/quants/wide/vbmi.h"
#include "kernels/targets.h"

namespace pare::kernels {
namespace {

constexpr unsigned kSign = 0x80;

/// 2^exponent, which is a normal number.
double power_of_two(int exponent) { return std::bit_cast<double>(static_cast<std::uint64_t>(exponent + 1023) << 52); }

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
  const double units = power_of_two(-table.unit);
  for (unsigned code = 0; code < 2 * kMagnitudes; ++code) {
    const std::uint64_t count = std::uint64_t{counts[0][code]} + counts[1][code] + counts[2][code] + counts[3][code];
    if (count == 0) continue;
    const bool negative = code >= kSign;
    const unsigned magnitude = code % kSign;
    int& largest = negative ? tally.largest_negative : tally.largest_positive;
    largest = std::max(largest, static_cast<int>(magnitude));
    if (magnitude >= table.count) break;
    tally.smallest = std::min(tally.smallest, static_cast<int>(magnitude));
    if (magnitude >= table.above) tally.above += count;
    if (!negative && magnitude >= table.inside) tally.outside += count;
    if (negative) tally.negative += count;
    if (magnitude == 0) tally.zeros += count;
    if (code == kSign) tally.negative_zeros = count;
    const auto multiple = static_cast<std::uint64_t>(table.values[magnitude] * units);
    const auto sum = static_cast<Int128>(multiple) * static_cast<Int128>(count);
    tally.sum += negative ? -sum : sum;
    tally.squares += static_cast<Unsigned128>(multiple) * multiple * count;
  }
  return tally;
}

KeyRange range_of(const CodeTally& tally, const CodeTable& table, FloatType type, std::uint64_t elements) {
  const std::uint64_t sign = type == FloatType::kF32 ? 0x80000000 : 0x8000;
  const auto pattern = [&](int magnitude) -> std::uint64_t { return element_pattern(type, table.values[magnitude]); };
  KeyRange range;
  range.any_positive = tally.largest_positive >= 0;
  if (range.any_positive) range.max_positive = pattern(tally.largest_positive);
  range.max_unsigned = tally.largest_negative >= 0 ? pattern(tally.largest_negative) | sign : range.max_positive;
  range.min_key = pattern(tally.smallest);
  range.above = tally.above;
  range.negative = tally.negative;
  range.inside = elements - tally.negative - tally.outside;
  return range;
}

}  // namespace

bool fold_codes(const CodeRows& codes, const CodeScale& scale, const CodeCutoffs& cutoffs, BlockScan& scan,
                MomentLanes& lanes) {
  choose_target();
  const bool by_planes = takes_masked_words() && has_vbmi();
  CodeTable table;
  if (!(by_planes ? make_table_by_vectors(scale, cutoffs, table) : make_table(scale, cutoffs, table))) return false;
  const CodeTally tally = by_planes ? tally_by_planes(codes, table) : tally_by_counts(codes, table);
  if (std::max(tally.largest_positive, tally.largest_negative) >= static_cast<int>(table.count)) return false;
  merge(range_of(tally, table, scale.elements, codes.rows * codes.columns), scan.range);
  scan.zeros += tally.zeros;
  scan.negative_zeros += tally.negative_zeros;
  lanes.sum[0] += static_cast<double>(tally.sum) * power_of_two(table.unit);
  lanes.squares[0] += static_cast<double>(tally.squares) * power_of_two(2 * table.unit);
  return true;
}

}  // namespace pare::kernels
