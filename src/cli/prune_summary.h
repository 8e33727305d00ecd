// What pruning did, or would do, as tables and as JSON.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/options.h"
#include "pare/prune.h"

namespace pare::cli {

struct PruneSummary {
  const Model& model;
  const PrunePlan& plan;
  std::vector<std::string> directories;  ///< one per level; empty strings for a plan that was not written
  std::uint64_t untouched = 0;           ///< elements of measured parameters that are not pruned
  std::uint64_t untouched_zeros = 0;
};

/// Counts the zeros of what the plan leaves alone.
PruneSummary summarize(const Model& model, const PrunePlan& plan, std::vector<std::string> directories);

/// `by_tensor` adds (csv: shows instead) the zeros of each tensor at each level.
std::string summary_text(const PruneSummary& summary, Format format, bool by_tensor);

}  // namespace pare::cli
