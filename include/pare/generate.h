// Text-to-text generation: greedy decoding and beam search, as transformers' generate() does them.
#pragma once

#include <cstddef>
#include <vector>

#include "pare/run.h"

namespace pare {

struct GenerateOptions {
  std::size_t beams = 1;            ///< 1: greedy decoding
  std::size_t max_new_tokens = 64;  ///< the end token counts
  double length_penalty = 1;        ///< finished beams rank by log-probability / length^penalty
};

/// Continues the decoder's start token for every source until `end` or max_new_tokens: what
/// generate(num_beams=beams, early_stopping=False, do_sample=False) returns, without the start token and with the
/// end token where it was reached. Throws Error, Interrupted.
std::vector<std::vector<TokenId>> generate(const EncoderDecoderRunner& runner, const TokenBatch& sources, TokenId end,
                                           const GenerateOptions& options = {}, const Context& context = {});

}  // namespace pare
