#include "eval/token_scores.h"

#include <algorithm>
#include <cmath>

#include "base/parallel.h"
#include "kernels/elementwise.h"

namespace pare::eval {
namespace {

constexpr std::size_t kRowsAtOnce = 256;

/// Logits of rows [begin, end) of a list. `row_of(i)` is the row of hidden states that the i-th stands for.
template <class RowOf>
Matrix logits_of(const Runner& runner, const Matrix& hidden, std::size_t begin, std::size_t end, RowOf row_of,
                 const Context& context) {
  Matrix picked = Matrix::unset(end - begin, hidden.columns);
  for (std::size_t i = begin; i < end; ++i) std::copy_n(hidden.row(row_of(i)), hidden.columns, picked.row(i - begin));
  return runner.logits(picked, context);
}

std::size_t best_of(const float* logits, std::size_t n) {
  return static_cast<std::size_t>(std::max_element(logits, logits + n) - logits);
}

/// KL(p || q) = sum p (log p - log q), in nats; `p_normalizer` is log_sum_exp(p).
double divergence_of(const float* p, double p_normalizer, const float* q, std::size_t n) {
  const double q_normalizer = kernels::log_sum_exp(q, n);
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double log_p = p[i] - p_normalizer;
    sum += std::exp(log_p) * (log_p - (q[i] - q_normalizer));
  }
  return sum;
}

}  // namespace

std::vector<TokenScore> score_tokens(const Runner& runner, const Matrix& hidden,
                                     const std::vector<Prediction>& predictions, const Context& context) {
  std::vector<TokenScore> scores(predictions.size());
  for (std::size_t begin = 0; begin < predictions.size(); begin += kRowsAtOnce) {
    const std::size_t end = std::min(predictions.size(), begin + kRowsAtOnce);
    const Matrix logits = logits_of(
        runner, hidden, begin, end, [&](std::size_t i) { return predictions[i].row; }, context);
    base::parallel_for(end - begin, context, [&](std::size_t i, unsigned) {
      const float* row = logits.row(i);
      const auto token = static_cast<std::size_t>(predictions[begin + i].token);
      scores[begin + i] = {row[token] - kernels::log_sum_exp(row, logits.columns),
                           best_of(row, logits.columns) == token};
    });
  }
  return scores;
}

Matrix picked_rows(const Matrix& hidden, const std::vector<std::size_t>& rows) {
  Matrix picked = Matrix::unset(rows.size(), hidden.columns);
  for (std::size_t i = 0; i < rows.size(); ++i) std::copy_n(hidden.row(rows[i]), hidden.columns, picked.row(i));
  return picked;
}

std::vector<Disagreement> compare_rows(const Runner& reference, ReferenceRows& rows, std::size_t& room,
                                       const Runner& model, const Matrix& hidden, const Context& context) {
  std::vector<Disagreement> found(hidden.rows);
  rows.rows.resize(hidden.rows);
  const auto same_row = [](std::size_t i) { return i; };
  for (std::size_t begin = 0, chunk = 0; begin < hidden.rows; begin += kRowsAtOnce, ++chunk) {
    const std::size_t end = std::min(hidden.rows, begin + kRowsAtOnce);
    Matrix computed;
    if (chunk >= rows.logits.size()) {
      computed = logits_of(reference, rows.hidden, begin, end, same_row, context);
      const std::size_t bytes = computed.values.size() * sizeof(float);
      if (chunk == rows.logits.size() && bytes <= room) {
        room -= bytes;
        rows.logits.push_back(std::move(computed));
      }
    }
    const Matrix& expected = chunk < rows.logits.size() ? rows.logits[chunk] : computed;
    const Matrix got = logits_of(model, hidden, begin, end, same_row, context);
    base::parallel_for(end - begin, context, [&](std::size_t i, unsigned) {
      ReferenceRow& row = rows.rows[begin + i];
      if (row.best == ReferenceRow::kUnknown)
        row = {kernels::log_sum_exp(expected.row(i), got.columns), best_of(expected.row(i), got.columns)};
      found[begin + i] = {divergence_of(expected.row(i), row.normalizer, got.row(i), got.columns),
                          row.best == best_of(got.row(i), got.columns)};
    });
  }
  return found;
}

}  // namespace pare::eval
