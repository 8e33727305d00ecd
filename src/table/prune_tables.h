// Helpers shared by tables and JSON about pruning.
#pragma once

#include <cstdint>

#include "pare/results.h"

namespace pare::table {

/// Share of zeros after a level among the weights that the plan prunes.
Share sparsity(const PruneSummary& summary, const LevelPlan& level);
/// Share of zeros in the whole model after a level.
Share model_sparsity(const PruneSummary& summary, const LevelPlan& level);
/// The plan's parameter `index`.
const Parameter& parameter_at(const PruneSummary& summary, std::size_t index);
std::uint64_t elements_at(const PruneSummary& summary, std::size_t index);

}  // namespace pare::table
