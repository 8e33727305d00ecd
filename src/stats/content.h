// Identifies a model, so that measurements of different models are not mixed.
#pragma once

#include <cstdint>

#include "pare/model.h"

namespace pare::stats {

/// Hash of the names, dtypes and shapes of all parameters, and of a few bytes of each that is not packed. Reads three
/// short samples of each tensor.
std::uint64_t content_hash(const Model& model);

/// Throws Error (kMismatch) on rank 0 of a group if the processes have opened different models.
void require_same_model(const Model& model, const Context& context);

}  // namespace pare::stats
