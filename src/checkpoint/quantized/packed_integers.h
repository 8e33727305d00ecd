// Integers of 2, 4 or 8 bits, packed into words of 32, in groups that share a scale and a zero point.
#pragma once

#include <cstddef>

#include "checkpoint/quantized/quantized_fold.h"

namespace pare::checkpoint {

/// M.qweight with M.qzeros, M.scales and perhaps M.g_idx: M.weight, [out, in]. Shapes tell GPTQ ([in / n, out], n
/// integers to a word) from AWQ ([in, out / n]). GPTQ stores zero points less 1, unless "checkpoint_format" in
/// config.json is "gptq_v2". Returns true; throws Error if parts are missing or do not fit.
bool fold_qweight(QuantizedFold& fold, std::size_t i);

/// M.weight_packed (I32) with M.weight_shape, M.weight_scale and perhaps M.weight_zero_point and M.weight_g_idx, as
/// compressed-tensors' "pack-quantized" stores them: M.weight. Returns true; throws Error likewise.
bool fold_weight_packed(QuantizedFold& fold, std::size_t i);

}  // namespace pare::checkpoint
