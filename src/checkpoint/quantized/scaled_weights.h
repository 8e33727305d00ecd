// Weights of 8 bits (FP8, INT8), each of which is multiplied by a scale.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "checkpoint/quantized/quantized_fold.h"

namespace pare::checkpoint {

struct ScaledParts {
  std::string name;                 ///< of the weights
  std::size_t scale;                ///< tensor of the scales
  std::optional<std::size_t> zero;  ///< of the zero points, of I8
  std::optional<DType> dtype;       ///< of the values; default: value_dtype() of the scales
};

/// Replaces tensor i, of an FP8 type or I8, by its values. Throws Error if the parts do not fit.
void replace_scaled(QuantizedFold& fold, std::size_t i, const ScaledParts& parts);

/// X of an FP8 type or I8, with X_scale_inv, X_scale (for "M.weight" also M.scale_weight or M.scale): X times the scale
/// of the tensor, the row, or the block. I8 may have X_zero_point, which is subtracted first. Returns whether tensor i
/// was replaced.
bool fold_scaled(QuantizedFold& fold, std::size_t i);

/// M.weight (I8) with M.SCB, a scale for each row, as bitsandbytes' LLM.int8 stores it. Likewise.
bool fold_scb(QuantizedFold& fold, std::size_t i);

/// Drops scales of activations and of the cache, which are not parameters.
void drop_activation_scales(QuantizedFold& fold);

}  // namespace pare::checkpoint
