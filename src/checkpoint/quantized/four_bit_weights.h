// Weights of four bits, each of which selects one of sixteen values, in blocks that share a scale.
#pragma once

#include <cstddef>

#include "checkpoint/quantized/quantized_fold.h"

namespace pare::checkpoint {

/// M.weight.quant_state.bitsandbytes__nf4 (or __fp4) with M.weight, .absmax and .quant_map, and, if scales are
/// quantized as well, .nested_absmax and .nested_quant_map: M.weight. All but fold_modelopt_fp4 return true; they throw
/// Error if parts are missing or do not fit.
bool fold_bitsandbytes(QuantizedFold& fold, std::size_t i);

/// X_blocks, [experts, outputs, blocks, 16], with X_scales, as gpt-oss stores its experts: X, [experts, inputs,
/// outputs].
bool fold_mxfp4_experts(QuantizedFold& fold, std::size_t i);

/// M.weight (U8) with M.weight_scale and M.weight_scale_2, as ModelOpt stores NVFP4: M.weight. Returns false, and does
/// nothing, if a scale is missing.
bool fold_modelopt_fp4(QuantizedFold& fold, std::size_t i);

/// M.weight_packed (U8) with M.weight_scale and, of NVFP4, M.weight_global_scale, as compressed-tensors stores them.
bool fold_fp4_packed(QuantizedFold& fold, std::size_t i);

}  // namespace pare::checkpoint
