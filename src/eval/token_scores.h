// What logits say about tokens, computed for the rows that matter only.
#pragma once

#include <cstddef>
#include <cstdint>
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
                                     const std::vector<Prediction>& predictions, const Context& context);

struct Disagreement {
  double kl = 0;  ///< nats, of the first distribution from the second
  bool same_best = false;
};

/// Copies these rows of hidden states.
Matrix picked_rows(const Matrix& hidden, const std::vector<std::size_t>& rows);

/// What a reference model says of one row.
struct ReferenceRow {
  static constexpr std::size_t kUnknown = SIZE_MAX;
  double normalizer = 0;        ///< log_sum_exp of its logits
  std::size_t best = kUnknown;  ///< index of the highest logit; kUnknown until the first comparison
};

/// What a reference model says of some rows.
struct ReferenceRows {
  Matrix hidden;
  std::vector<ReferenceRow> rows;
  std::vector<Matrix> logits;  ///< of the first rows, a few hundred in each
};

/// One per row of hidden states: how far `model`'s distribution is from the reference's. Logits of the reference that
/// fit in `room` bytes are added to `rows`, and `room` is reduced by their size.
std::vector<Disagreement> compare_rows(const Runner& reference, ReferenceRows& rows, std::size_t& room,
                                       const Runner& model, const Matrix& hidden, const Context& context);

}  // namespace pare::eval
