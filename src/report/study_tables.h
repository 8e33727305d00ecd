// Tables that only a report has; the others are those of an inspection.
#pragma once

#include <vector>

#include "pare/table.h"
#include "report/study.h"

namespace pare::report {

/// What was looked at: a line per model.
Table models_table(const std::vector<Study>& studies);
/// How many parameters are far out, and the largest: a line per model.
Table tails_table(const std::vector<Study>& studies);
/// The share of big parameters before pruning and after each level: a column per model.
Table shared_levels_table(const std::vector<Study>& studies);
/// What was pruned and what was left alone, by group.
Table selection_table(const Study& study);
/// A line per level: weights pruned, threshold, sparsity, share before and after.
Table levels_table(const Study& study);
/// Sparsity of each layer's pruned weights at each level.
Table layer_sparsity_table(const Study& study);
/// Every tensor: the inspection's columns, then its sparsity after each level.
Table tensors_table(const Study& study);
/// The same for programs.
Table tensors_csv_table(const Study& study);
/// How long each step took: a column per model.
Table steps_table(const std::vector<Study>& studies);

}  // namespace pare::report
