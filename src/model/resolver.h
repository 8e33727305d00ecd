// From a checkpoint's tensors to a class's parameters.
#pragma once

#include <string>

#include "model/architecture.h"
#include "model/config.h"
#include "pare/model.h"

namespace pare::model {

/// Fills architecture, model_type, parameters, left_out, missing and notes of `model`, whose
/// checkpoint is set, as ModelOptions::as_class says. Throws Error.
void resolve(Model& model, const Config& config, const std::string& as_class);

/// Finds the tensor of every expected parameter and explains the remaining tensors.
void apply_architecture(Model& model, const Architecture& architecture, const Names& names);

/// Corrects the orientation of matrices by the sizes of their biases and by the model's width, which say more than
/// names: transformers' Conv1D and torch.nn.Linear store the same layer as [in, out] and [out, in]. A matrix that shows
/// nothing (a square one) follows those that do. Says in a note where they differ from what the class has. `guessed`:
/// no class is known.
void settle_orientations(Model& model, bool guessed);

/// Parameters of an unknown architecture, guessed from names. `reason` says why, for a note.
void resolve_generic(Model& model, const Config& config, const std::string& reason);

/// Same dtype, shape and bytes.
bool same_tensor(const TensorView& a, const TensorView& b);

/// Why the dtype of a tensor rules it out as a parameter: "integer tensor", ...; empty if it does not.
std::string dtype_reason(DType dtype);

}  // namespace pare::model
