// Plans that prune by groups, rows, columns or blocks.
#pragma once

#include <span>

#include "pare/prune.h"

namespace pare::prune {

/// `options` with the level and the scope that the pattern implies. Throws Error for options that do not suit the
/// pattern.
PruneOptions completed(const PruneOptions& options);

/// Fills the cuts (except their zeros) and notes of a plan whose pattern is not kUnstructured. tensors[i] belongs to
/// plan.parameters[i]. Throws Error for a tensor that is not a matrix.
void plan_pattern(const Model& model, std::span<const TensorView> tensors, PrunePlan& plan, const Context& context);

}  // namespace pare::prune
