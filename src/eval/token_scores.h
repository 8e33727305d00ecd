// What logits say about tokens, computed for the rows that matter only.
#pragma once

#include <vector>

#include "pare/run.h"

namespace pare::eval {

/// A row of hidden states and the token that it should predict.
struct Prediction {
  std::size_t row;
  TokenId token;
};

struct TokenScore {
  double log_probability = 0;
  bool best = false;  ///< no other logit is higher, the first in order counting among equals (argmax)
};

/// One per prediction. The head runs over their rows alone, a few hundred at a time: a row of logits may be large.
std::vector<TokenScore> score_tokens(const Runner& runner, const Matrix& hidden,
                                     const std::vector<Prediction>& predictions, unsigned threads);

struct Disagreement {
  double kl = 0;  ///< nats, of the first distribution from the second
  bool same_best = false;
};

/// One per row of `rows`: how far `model`'s distribution is from `reference`'s.
std::vector<Disagreement> compare_rows(const Runner& reference, const Matrix& reference_hidden, const Runner& model,
                                       const Matrix& hidden, const std::vector<std::size_t>& rows, unsigned threads);

}  // namespace pare::eval
