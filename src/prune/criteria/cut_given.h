// Plans whose weights a mask file or another sparse model has chosen.
#pragma once

#include "pare/prune.h"

namespace pare::prune {

/// The plan that PruneOptions::mask makes. Throws Error (kMismatch) for a tensor of the mask that is not a parameter of
/// the model, is named twice or has another shape; kUnsupported for a dtype that cannot be pruned; as MaskSource.
PrunePlan plan_given(const Model& model, const PruneOptions& options, const Context& context);

}  // namespace pare::prune
