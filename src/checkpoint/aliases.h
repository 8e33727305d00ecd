// Tied weights: tensors that share their bytes, which torch.save stores once under several names.
#pragma once

#include <vector>

#include "pare/checkpoint.h"

namespace pare::checkpoint {

/// For each tensor, whether it is a view of the same bytes (same place, dtype and shape) as another tensor that is
/// written instead. safetensors cannot hold two names for the same bytes, and transformers ties them again on loading.
/// Of each set, the name is written that transformers declares as the source of the tie: the first that is neither an
/// output layer (lm_head.*, *decoder.weight, *decoder.bias) nor a copy of T5's shared.weight (*embed_tokens.weight);
/// failing that, the first.
std::vector<bool> find_aliases(const std::vector<TensorView>& tensors);

}  // namespace pare::checkpoint
