// Tables that only a report has. It shares the others with inspections.
#pragma once

#include <vector>

#include "pare/table.h"
#include "report/study.h"

namespace pare::report {

/// The models: one line for each.
Table models_table(const std::vector<Study>& studies);
/// Numbers of parameters in the tail, and the largest one: a line for each model.
Table tails_table(const std::vector<Study>& studies);
/// The share of big parameters before pruning and after each level: a column for each model.
Table shared_levels_table(const std::vector<Study>& studies);
/// Pruned and untouched parameters, by group.
Table selection_table(const Study& study);
/// A line for each level: pruned weights, threshold, sparsity, share before and after.
Table levels_table(const Study& study);
/// Sparsity of each layer's pruned weights at each level.
Table layer_sparsity_table(const Study& study);
/// A line for each tensor: the inspection's columns, then its sparsity after each level.
Table tensors_table(const Study& study);
/// The same for programs.
Table tensors_csv_table(const Study& study);
/// Duration of each step: a column for each model.
Table steps_table(const std::vector<Study>& studies);

}  // namespace pare::report
