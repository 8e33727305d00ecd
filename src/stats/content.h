// Identifies a model, so that measurements of different models are not mixed.
#pragma once

#include <cstdint>

#include "pare/model.h"

namespace pare::stats {

/// Hash of the names, dtypes and shapes of all parameters, and of a few bytes of each that is not packed. Reads three
/// short samples of each tensor.
std::uint64_t content_hash(const Model& model);

}  // namespace pare::stats
