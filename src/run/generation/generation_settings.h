// generation_config.json, which tells transformers' generate() more than config.json does.
#pragma once

#include <optional>

#include "pare/run.h"

namespace pare::run {

/// The start token of an encoder-decoder's output according to the model's generation_config.json: its
/// decoder_start_token_id, else its bos_token_id where config.json has no decoder_start_token_id either; nullopt if the
/// file is absent or names neither. Throws Error for a damaged file.
std::optional<TokenId> generation_start(const Model& model);

/// Throws Error (kUnsupported) naming the setting of generation_config.json that changes what generate() writes and
/// that pare does not apply: forced, suppressed and forbidden tokens, repetition and length constraints, and end tokens
/// other than `end`.
void require_plain_generation(const Model& model, TokenId end);

}  // namespace pare::run
