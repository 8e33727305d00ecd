#include "prune/checks/group_counts.h"

#include <algorithm>

namespace pare::prune {
namespace {

/// Counts the groups of one size within a row.
template <std::size_t kSize>
void count_row(std::span<const std::uint8_t> kept, std::size_t index, GroupCounts& counts) {
  const std::size_t whole = kept.size() / kSize * kSize;
  for (std::size_t begin = 0; begin < whole; begin += kSize) {
    unsigned nonzeros = 0;
    for (std::size_t i = 0; i < kSize; ++i) nonzeros += kept[begin + i];
    ++counts.whole[index][nonzeros];
  }
  if (whole == kept.size()) return;
  unsigned nonzeros = 0;
  for (std::size_t i = whole; i < kept.size(); ++i) nonzeros += kept[i];
  ++counts.rest[index][nonzeros];
}

void add_counts(GroupCounts::Counts& to, const GroupCounts::Counts& from) noexcept {
  for (std::size_t s = 0; s < to.size(); ++s)
    for (std::size_t k = 0; k < to[s].size(); ++k) to[s][k] += from[s][k];
}

/// Adds the counts of groups to a share that holds for at most `most` nonzeros.
void add_share(const std::array<std::uint64_t, kLargestGroup + 1>& counts, std::uint64_t most, PatternShare& share) {
  for (std::size_t k = 0; k < counts.size(); ++k) {
    share.groups += counts[k];
    if (k <= most) share.complying += counts[k];
  }
}

}  // namespace

GroupCounts& GroupCounts::operator+=(const GroupCounts& other) noexcept {
  add_counts(whole, other.whole);
  add_counts(rest, other.rest);
  return *this;
}

std::optional<PatternShare> GroupCounts::share(const Pattern& pattern, std::uint64_t extent) const {
  const auto size = std::find(kGroupSizes.begin(), kGroupSizes.end(), pattern.m);
  if (pattern.kind != Pattern::Kind::kNOfM || size == kGroupSizes.end()) return std::nullopt;
  const auto index = static_cast<std::size_t>(size - kGroupSizes.begin());
  PatternShare share{pattern, 0, 0};
  add_share(whole[index], pattern.n, share);
  add_share(rest[index], (pattern.n * (extent % pattern.m) + pattern.m - 1) / pattern.m, share);
  return share;
}

RowGroups::RowGroups(std::size_t columns) : alive_(columns) {
  for (std::vector<std::uint8_t>& counts : open_) counts.resize(columns);
}

void RowGroups::add(std::span<const std::uint8_t> kept) {
  count_row<2>(kept, 0, along_rows_);
  count_row<4>(kept, 1, along_rows_);
  count_row<8>(kept, 2, along_rows_);
  count_row<16>(kept, 3, along_rows_);
  count_row<32>(kept, 4, along_rows_);
  std::uint8_t any = 0;
  for (std::size_t i = 0; i < kept.size(); ++i) {
    any |= kept[i];
    alive_[i] |= kept[i];
  }
  dead_rows_ += any == 0 ? 1 : 0;
  ++rows_;
  for (std::size_t s = 0; s < kGroupSizes.size(); ++s) {
    std::vector<std::uint8_t>& counts = open_[s];
    for (std::size_t i = 0; i < kept.size(); ++i) counts[i] = static_cast<std::uint8_t>(counts[i] + kept[i]);
    if (rows_ % kGroupSizes[s] != 0) continue;
    for (std::uint8_t& count : counts) {
      ++across_rows_.whole[s][count];
      count = 0;
    }
  }
}

void RowGroups::finish() {
  for (std::size_t s = 0; s < kGroupSizes.size(); ++s)
    if (rows_ % kGroupSizes[s] != 0)
      for (const std::uint8_t count : open_[s]) ++across_rows_.rest[s][count];
}

}  // namespace pare::prune
