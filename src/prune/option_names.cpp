#include "pare/prune.h"

namespace pare {

std::string_view criterion_name(Criterion criterion) noexcept {
  return criterion == Criterion::kMagnitude ? "magnitude" : "random";
}

std::string_view scope_name(Scope scope) noexcept { return scope == Scope::kGlobal ? "global" : "per-tensor"; }

std::string_view schedule_name(Schedule schedule) noexcept {
  return schedule == Schedule::kIndependent ? "independent" : "accumulate";
}

}  // namespace pare
