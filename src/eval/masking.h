// Lines of text for a masked language model, and which of their tokens are hidden together.
#pragma once

#include <string_view>
#include <vector>

#include "eval/subject.h"

namespace pare::eval {

/// A line with its special tokens, cut to the model's positions as transformers' truncation does.
struct MaskedLine {
  std::vector<TokenId> tokens;
  std::vector<std::size_t> own;  ///< places of tokens that are no [CLS] or [SEP]
};
MaskedLine masked_line(const Subject& subject, std::string_view text);

/// Sequences to run, with the places that are hidden in each and what stood there.
struct MaskedBatch {
  TokenBatch tokens;
  std::vector<std::size_t> rows;
  std::vector<TokenId> hidden;
};

/// Adds `line` with the tokens at `places` hidden.
void add_masked(MaskedBatch& batch, const MaskedLine& line, const std::vector<std::size_t>& places, TokenId mask);

}  // namespace pare::eval
