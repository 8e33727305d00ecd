// Rows of a comparison in groups, one for each level.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace pare::report {

/// The rows of each level, which follow each other. The spans are valid as long as `rows` is not changed.
template <class Row>
std::vector<std::span<const Row>> rows_by_level(const std::vector<Row>& rows) {
  std::vector<std::span<const Row>> groups;
  std::size_t first = 0;
  for (std::size_t i = 1; i <= rows.size(); ++i)
    if (i == rows.size() || rows[i].level.label != rows[first].level.label) {
      groups.emplace_back(rows.data() + first, i - first);
      first = i;
    }
  return groups;
}

}  // namespace pare::report
