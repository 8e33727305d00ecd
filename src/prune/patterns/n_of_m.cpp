#include "prune/patterns/n_of_m.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <numeric>
#include <utility>
#include <vector>

#include "checkpoint/tensor_piece.h"
#include "prune/patterns/tiling.h"
#include "stats/float_format.h"

namespace pare::prune {
namespace {

constexpr std::size_t kBlock = 4096;     // elements that are processed at once
constexpr std::uint64_t kPairwise = 64;  // largest group in which every pair is compared

/// Adjacent groups: element i of group g has the flat index first + i * element_step + g * group_step.
struct Groups {
  std::uint64_t first, element_step, group_step;
  std::size_t elements, count;
  std::size_t dropped;  ///< number of elements that each group drops
};

/// Copies elements [begin, begin + n) of `source` to `target`.
struct Copy {
  const std::byte* source;  ///< of element `source_begin` on, with all groups of these elements
  std::uint64_t source_begin;
  std::uint64_t begin, n;
  std::byte* target;  ///< element `begin`
};

/// Signed, since keys have no sign bit and many instruction sets compare signed numbers only.
template <class Key>
struct Room {
  std::array<Key, kBlock> keys, ranks;  ///< element i of group g is at i * count + g
};

/// Rank of each element in its group: the number of smaller elements, and of equal ones before it.
template <class Key>
void rank_pairwise(const Groups& groups, Room<Key>& room) {
  const std::size_t count = groups.count;
  std::fill_n(room.ranks.begin(), groups.elements * count, Key{0});
  for (std::size_t second = 1; second < groups.elements; ++second)
    for (std::size_t first = 0; first < second; ++first) {
      const Key *a = room.keys.data() + first * count, *b = room.keys.data() + second * count;
      Key *rank_a = room.ranks.data() + first * count, *rank_b = room.ranks.data() + second * count;
      for (std::size_t g = 0; g < count; ++g) {
        const Key second_first = b[g] < a[g] ? 1 : 0;
        rank_a[g] = static_cast<Key>(rank_a[g] + second_first);
        rank_b[g] = static_cast<Key>(rank_b[g] + 1 - second_first);
      }
    }
}

/// The same, if it only matters whether a rank is below `dropped`.
template <class Key>
void rank_by_selection(const Groups& groups, Room<Key>& room) {
  std::array<std::uint16_t, kBlock> order;
  for (std::size_t g = 0; g < groups.count; ++g) {
    const auto key = [&](std::size_t i) { return room.keys[i * groups.count + g]; };
    std::iota(order.begin(), order.begin() + groups.elements, std::uint16_t{0});
    std::nth_element(order.begin(), order.begin() + groups.dropped, order.begin() + groups.elements,
                     [&](std::uint16_t a, std::uint16_t b) { return key(a) != key(b) ? key(a) < key(b) : a < b; });
    for (std::size_t i = 0; i < groups.elements; ++i)
      room.ranks[order[i] * groups.count + g] = i < groups.dropped ? Key{0} : Key{1};
  }
}

template <class Key>
void copy_groups(const Groups& groups, const Copy& copy, Room<Key>& room) {
  using Pattern = std::make_unsigned_t<Key>;
  constexpr auto kMagnitude = static_cast<Pattern>(static_cast<Pattern>(~Pattern{0}) >> 1);
  const auto each = [&](const auto& visit) {
    for (std::size_t i = 0; i < groups.elements; ++i)
      for (std::size_t g = 0; g < groups.count; ++g)
        visit(i * groups.count + g, groups.first + i * groups.element_step + g * groups.group_step);
  };
  each([&](std::size_t place, std::uint64_t index) {
    Pattern pattern;
    std::memcpy(&pattern, copy.source + (index - copy.source_begin) * sizeof pattern, sizeof pattern);
    room.keys[place] = static_cast<Key>(pattern & kMagnitude);
  });
  const bool pairwise = groups.elements <= kPairwise;
  pairwise ? rank_pairwise(groups, room) : rank_by_selection(groups, room);
  const auto first_kept = static_cast<Key>(pairwise ? groups.dropped : 1);
  each([&](std::size_t place, std::uint64_t index) {
    if (index - copy.begin >= copy.n) return;  // an index below `begin` wraps around
    Pattern pattern;
    std::memcpy(&pattern, copy.source + (index - copy.source_begin) * sizeof pattern, sizeof pattern);
    if (room.ranks[place] < first_kept) pattern = 0;
    std::memcpy(copy.target + (index - copy.begin) * sizeof pattern, &pattern, sizeof pattern);
  });
}

/// Processes `count` groups, in blocks that fit the buffers.
template <class Key>
void copy_all(Groups groups, std::uint64_t count, const Copy& copy, Room<Key>& room) {
  const std::size_t most = kBlock / groups.elements;
  for (std::uint64_t done = 0; done < count; done += groups.count) {
    groups.count = static_cast<std::size_t>(std::min<std::uint64_t>(most, count - done));
    copy_groups(groups, copy, room);
    groups.first += groups.count * groups.group_step;
  }
}

/// Processes groups along the stored rows.
template <class Key>
void copy_along_rows(const pare::Pattern& pattern, std::uint64_t columns, const Copy& copy, Room<Key>& room) {
  const std::uint64_t rest = columns % pattern.m, end = copy.begin + copy.n;
  const auto dropped = [&](std::uint64_t elements) {
    return static_cast<std::size_t>(elements - kept_of_group(pattern, elements));
  };
  // If groups fill the rows, they continue from row to row without gaps.
  const std::uint64_t run = rest == 0 ? (end + pattern.m - 1) / pattern.m * pattern.m : columns;
  for (std::uint64_t row = copy.begin / run * run; row < end; row += run) {
    const std::uint64_t from = copy.begin > row ? (copy.begin - row) / pattern.m : 0;
    const std::uint64_t to = std::min(run / pattern.m, (end - row + pattern.m - 1) / pattern.m);
    if (from < to)
      copy_all({row + from * pattern.m, 1, pattern.m, pattern.m, 0, dropped(pattern.m)}, to - from, copy, room);
    const std::uint64_t last = row + columns - rest;  // the first element of the row's incomplete group
    if (rest != 0 && last < end && last + rest > copy.begin)
      copy_all({last, 1, rest, rest, 0, dropped(rest)}, 1, copy, room);
  }
}

/// Processes groups across the stored rows: m rows at a time, then the remaining rows.
template <class Key>
void copy_across_rows(const pare::Pattern& pattern, std::uint64_t rows, std::uint64_t columns, const Copy& copy,
                      Room<Key>& room) {
  const std::uint64_t band = pattern.m * columns;
  for (std::uint64_t first = copy.begin / band * band; first < copy.begin + copy.n; first += band) {
    const std::uint64_t elements = std::min(pattern.m, rows - first / columns);
    const std::uint64_t dropped = elements - kept_of_group(pattern, elements);
    copy_all({first, columns, 1, static_cast<std::size_t>(elements), 0, static_cast<std::size_t>(dropped)}, columns,
             copy, room);
  }
}

template <class Key>
void copy_keys(const pare::Pattern& pattern, Orientation orientation, const TensorView& tensor, const Copy& copy) {
  Room<Key> room;
  if (orientation == Orientation::kInOut)
    copy_across_rows(pattern, tensor.shape[0], tensor.shape[1], copy, room);
  else
    copy_along_rows(pattern, tensor.shape[1], copy, room);
}

/// The range of elements that holds all groups of elements [begin, begin + n).
std::pair<std::uint64_t, std::uint64_t> groups_around(const TensorView& tensor, const pare::Pattern& pattern,
                                                      Orientation orientation, std::uint64_t begin, std::uint64_t n) {
  const std::uint64_t elements = tensor.elements(), end = begin + n;
  if (orientation == Orientation::kInOut) {
    const std::uint64_t band = pattern.m * tensor.shape[1];
    return {begin / band * band, std::min(elements, (end + band - 1) / band * band)};
  }
  const std::uint64_t neighbors = pattern.m - 1;  // a group is contiguous
  return {begin - std::min(begin, neighbors), std::min(elements, end + neighbors)};
}

}  // namespace

std::uint64_t kept_of_group(const Pattern& pattern, std::uint64_t elements) {
  return (pattern.n * elements + pattern.m - 1) / pattern.m;
}

void copy_n_of_m(const TensorView& tensor, const Pattern& pattern, Orientation orientation, std::uint64_t begin,
                 std::uint64_t n, std::byte* target) {
  if (n == 0) return;
  const std::size_t size = stats::float_format(tensor.dtype).size();
  const auto [first, last] = groups_around(tensor, pattern, orientation, begin, n);
  const checkpoint::TensorPiece source(tensor.bytes, first * size, (last - first) * size);
  const Copy copy{source.data(), first, begin, n, target};
  switch (stats::float_format(tensor.dtype).width) {
    case kernels::Width::k8:
      return copy_keys<std::int8_t>(pattern, orientation, tensor, copy);
    case kernels::Width::k16:
      return copy_keys<std::int16_t>(pattern, orientation, tensor, copy);
    case kernels::Width::k32:
      return copy_keys<std::int32_t>(pattern, orientation, tensor, copy);
    case kernels::Width::k64:
      return copy_keys<std::int64_t>(pattern, orientation, tensor, copy);
  }
}

TensorCut cut_n_of_m(const TensorView& tensor, const Pattern& pattern, Orientation orientation) {
  const Remainder rest = remainder_of(pattern, orientation, tensor);
  const std::uint64_t lines = tensor.shape[orientation == Orientation::kInOut ? 1 : 0];
  const std::uint64_t inputs = tensor.shape[orientation == Orientation::kInOut ? 0 : 1];
  const std::uint64_t pruned =
      lines * (inputs / pattern.m * (pattern.m - pattern.n) + rest.inputs - kept_of_group(pattern, rest.inputs));
  if (pruned == 0) return {};
  return {pruned, 0, Mask::NOfM{pattern.n, pattern.m, orientation}};
}

}  // namespace pare::prune
