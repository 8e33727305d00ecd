// Tensors that are one another: tied weights, which torch.save stores once under several names.
#pragma once

#include <vector>

#include "pare/checkpoint.h"

namespace pare::checkpoint {

/// For each tensor, whether it shows the very bytes (same place, dtype and shape) of another one
/// that is to be kept instead. safetensors cannot hold such names, and transformers ties them
/// again on loading. Of each set the name that transformers declares as the source of the tie
/// stays: the first that is not an output layer (lm_head.*, *decoder.weight, *decoder.bias) and no
/// copy of T5's shared.weight (*embed_tokens.weight); failing that, the first.
std::vector<bool> find_aliases(const std::vector<TensorView>& tensors);

}  // namespace pare::checkpoint
