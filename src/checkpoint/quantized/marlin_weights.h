// Weights of 4 or 8 bits with two nonzeros in four, in the order of the Marlin kernel for such weights.
#pragma once

#include <cstddef>

#include "checkpoint/quantized/quantized_fold.h"

namespace pare::checkpoint {

/// M.weight_packed (I32) with M.scale_packed and M.meta, the format "marlin-24" of compressed-tensors: M.weight, F16.
/// Returns whether tensor i was replaced: without M.scale_packed it has another layout.
bool fold_marlin24(QuantizedFold& fold, std::size_t i);

}  // namespace pare::checkpoint
