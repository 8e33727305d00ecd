// Plans where weights go by groups, rows, columns or blocks.
#pragma once

#include <span>

#include "pare/prune.h"

namespace pare::prune {

/// `options` with the level and the scope that the pattern fixes. Throws Error for options that a pattern excludes.
PruneOptions completed(const PruneOptions& options);

/// Fills the cuts (but for their zeros) and notes of a plan whose pattern is not kUnstructured. tensors[i] is that of
/// plan.parameters[i]. Throws Error for a tensor that is not a matrix.
void plan_pattern(const Model& model, std::span<const TensorView> tensors, PrunePlan& plan, const Context& context);

}  // namespace pare::prune
