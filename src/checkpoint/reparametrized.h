// Parameters that training code stores in parts, which PyTorch multiplies in every forward pass.
#pragma once

#include <string>
#include <vector>

#include "pare/checkpoint.h"

namespace pare::checkpoint {

/// Replaces the parts of each parameter by the parameter itself, which is computed from them when it is read:
///
///   X_orig, X_mask                             torch.nn.utils.prune:        X = X_orig * X_mask
///   X_g, X_v                                   torch.nn.utils.weight_norm:  X = X_v * X_g / |X_v|
///   MODULE.parametrizations.X.original0 and 1  the same, as a parametrization
///   X_orig, X_u, X_v; MODULE.parametrizations.X.original, .0._u, .0._v
///                                              spectral_norm:               X = X_orig / (u W v)
///   MODULE.parametrizations.X.original         another parametrization: X is the original, and a note says so
///
/// Norms are taken along all axes but the one that X_g has. The weight norm of wav2vec 2.0's pos_conv_embed stays in
/// parts, because these are parameters of transformers' classes. Files that lose a tensor lose their header, so that
/// they are written anew. Adds a sentence for each kind to `notes`. Parts whose shapes do not fit are left alone.
void fold_reparametrized(std::vector<TensorView>& tensors, std::vector<CheckpointFile>& files,
                         std::vector<std::string>& notes);

}  // namespace pare::checkpoint
