#include "calibrate/linear_task.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "pare/error.h"

namespace pare::calibrate {

std::size_t removed_of_group(const Pattern& pattern, std::size_t size) {
  return size - (pattern.n * size + pattern.m - 1) / pattern.m;
}

std::uint64_t score_key(double score) noexcept { return std::bit_cast<std::uint64_t>(std::fabs(score)); }

void remove_smallest(std::vector<Candidate>& candidates, std::size_t count, LinearTask& task) {
  if (count == 0) return;
  if (count < candidates.size())
    std::nth_element(candidates.begin(), candidates.begin() + static_cast<std::ptrdiff_t>(count), candidates.end());
  for (std::size_t i = 0; i < count; ++i) task.removed_row(candidates[i].row)[candidates[i].column] = 1;
}

void require_finite(const LinearTask& task, const std::string& source, const std::string& name) {
  const auto found = std::find_if(task.weights.begin(), task.weights.end(), [](float w) { return !std::isfinite(w); });
  if (found == task.weights.end()) return;
  const auto at = static_cast<std::size_t>(found - task.weights.begin());
  throw Error(ErrorCode::kUnsupported, source, name,
              fmt::format("has a weight that is not finite ({}, output {}, input {}), so the others cannot be fitted",
                          *found, at / task.in, at % task.in));
}

void prune_by_magnitude(LinearTask& task) {
  const bool groups = task.pattern.kind == Pattern::Kind::kNOfM;
  std::vector<Candidate> candidates;
  for (std::size_t row = 0; row < task.out; ++row)
    for (std::size_t i = 0; i < task.in; ++i) {
      candidates.push_back({score_key(static_cast<double>(task.row(row)[i])), task.stored(row, i),
                            static_cast<std::uint32_t>(row), static_cast<std::uint32_t>(i)});
      if (!groups || (candidates.size() < task.pattern.m && i + 1 < task.in)) continue;
      remove_smallest(candidates, removed_of_group(task.pattern, candidates.size()), task);
      candidates.clear();
    }
  if (!groups) remove_smallest(candidates, task.amount.of(candidates.size()), task);
}

}  // namespace pare::calibrate
