// Weights as torchao's safetensors hold them: the parts of its tensor classes, with the class in the metadata.
#pragma once

#include <cstddef>

#include "checkpoint/quantized/quantized_fold.h"

namespace pare::checkpoint {

/// M._weight_qdata with M._weight_scale and perhaps M._weight_zero_point (Float8Tensor, Int8Tensor,
/// IntxUnpackedToInt8Tensor): M.weight. Returns whether tensor i was replaced. Throws Error for torchao's other
/// classes.
bool fold_torchao(QuantizedFold& fold, std::size_t i);

}  // namespace pare::checkpoint
