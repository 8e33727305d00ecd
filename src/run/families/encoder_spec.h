// What the encoders since BERT share.
#pragma once

#include "model/config.h"
#include "run/spec.h"

namespace pare::run {

/// Learned positions, and norms that follow the sums (Devlin et al. 2019).
StackSpec bert_stack(const model::Config& config);
/// An encoder with this stack, and the head of its masked-LM class.
ModelSpec encoder_spec(StackSpec stack, const model::Config& config);
ModelSpec bert_spec(const model::Config& config);

}  // namespace pare::run
