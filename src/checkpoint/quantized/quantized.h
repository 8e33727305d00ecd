// Quantized weights as their values.
#pragma once

#include <string>
#include <vector>

#include "checkpoint/quantized/quantization_config.h"
#include "pare/checkpoint.h"

namespace pare::checkpoint {

/// Whether there may be a tensor that fold_quantized() would replace. Takes little time.
bool may_be_quantized(const std::vector<TensorView>& tensors);

/// Replaces each quantized weight and what is stored beside it (scales, zero points) by the weight, which is computed
/// when it is read. The layouts are those of the table in quantized.cpp; docs/formats.md describes them. Values have
/// the type of the scales where that is F32, F16 or BF16, and are rounded once. Files that change lose their header.
/// Adds a sentence for each kind to `notes`; returns whether anything was replaced. Throws Error naming file and tensor
/// for parts whose shapes or types do not fit.
bool fold_quantized(std::vector<TensorView>& tensors, std::vector<CheckpointFile>& files,
                    const QuantizationConfig& config, std::vector<std::string>& notes);

}  // namespace pare::checkpoint
