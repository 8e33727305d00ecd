// Counts groups of a matrix by how many of their weights are not zero, along both axes, row by stored row.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "pare/check.h"

namespace pare::prune {

constexpr std::array<std::size_t, 5> kGroupSizes{2, 4, 8, 16, 32};
constexpr std::size_t kLargestGroup = kGroupSizes.back();

/// whole[s][k]: groups of kGroupSizes[s] weights of which k are not zero. rest[s][k]: shorter groups at the end of the
/// axis.
struct GroupCounts {
  using Counts = std::array<std::array<std::uint64_t, kLargestGroup + 1>, kGroupSizes.size()>;
  Counts whole{}, rest{};

  GroupCounts& operator+=(const GroupCounts& other) noexcept;
  /// `extent`: of the axis. nullopt for an M that is not in kGroupSizes, and for other patterns.
  std::optional<PatternShare> share(const Pattern& pattern, std::uint64_t extent) const;
};

/// Counts some consecutive rows of a stored matrix. The first row's index must be a multiple of kLargestGroup.
class RowGroups {
 public:
  explicit RowGroups(std::size_t columns);

  /// kept[i]: 1 if element i of the next row is not zero, otherwise 0.
  void add(std::span<const std::uint8_t> kept);
  /// Counts the groups of columns that the rows have begun. To be called after the last row.
  void finish();

  const GroupCounts& along_rows() const noexcept { return along_rows_; }    ///< groups within a row
  const GroupCounts& across_rows() const noexcept { return across_rows_; }  ///< groups within a column
  std::uint64_t dead_rows() const noexcept { return dead_rows_; }
  const std::vector<std::uint8_t>& alive() const noexcept { return alive_; }  ///< 1 for columns with a nonzero

 private:
  GroupCounts along_rows_, across_rows_;
  std::uint64_t rows_ = 0, dead_rows_ = 0;
  std::vector<std::uint8_t> alive_;
  std::array<std::vector<std::uint8_t>, kGroupSizes.size()> open_;  ///< nonzeros of the group of each column
};

}  // namespace pare::prune
