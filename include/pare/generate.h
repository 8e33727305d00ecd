// Generation: greedy decoding and beam search, as transformers' generate() does them.
#pragma once

#include <cstddef>
#include <vector>

#include "pare/run.h"

namespace pare {

struct GenerateOptions {
  std::size_t beams = 1;            ///< 1: greedy decoding
  std::size_t max_new_tokens = 64;  ///< the end token counts as one of them
  double length_penalty = 1;        ///< finished beams are ranked by log-probability / length^length_penalty
};

/// Generates a target for every source, up to the token `end` (negative: none) or max_new_tokens tokens, and returns
/// what transformers' generate(num_beams=beams, early_stopping=False, do_sample=False) returns, without the start
/// token. A target that reached `end` contains it. Throws Error (kArgument) for 0 beams, and the errors of the runner;
/// Interrupted.
std::vector<std::vector<TokenId>> generate(const EncoderDecoderRunner& runner, const TokenBatch& sources, TokenId end,
                                           const GenerateOptions& options = {}, const Context& context = {});

/// Continues every prompt in the same way, and returns the new tokens without the prompt. Throws Error (kArgument) for
/// an empty prompt, too.
std::vector<std::vector<TokenId>> generate(const CausalRunner& runner, const TokenBatch& prompts, TokenId end,
                                           const GenerateOptions& options = {}, const Context& context = {});

}  // namespace pare
