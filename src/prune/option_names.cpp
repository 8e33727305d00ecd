#include "pare/prune.h"

namespace pare {

std::string_view criterion_name(Criterion criterion) noexcept {
  constexpr std::string_view kNames[] = {"magnitude", "random", "wanda", "sparsegpt", "alps", "mask"};
  return kNames[static_cast<std::size_t>(criterion)];
}

bool is_calibrated(Criterion criterion) noexcept {
  return criterion == Criterion::kWanda || criterion == Criterion::kSparseGpt || criterion == Criterion::kAlps;
}

std::string_view scope_name(const PruneOptions& options) noexcept {
  if (!options.sets.empty()) return "sets";
  return options.criterion == Criterion::kWanda ? "per-row" : scope_name(options.scope);
}

std::string_view scope_name(Scope scope) noexcept { return scope == Scope::kGlobal ? "global" : "per-tensor"; }

std::string_view schedule_name(Schedule schedule) noexcept {
  return schedule == Schedule::kIndependent ? "independent" : "accumulate";
}

}  // namespace pare
