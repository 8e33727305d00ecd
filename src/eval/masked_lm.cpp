// Pseudo-perplexity and accuracy of a masked language model (Salazar et al. 2020): each token hidden in turn, alone.
#include <cmath>

#include "base/text_data.h"
#include "eval/batch_share.h"
#include "eval/masking.h"
#include "eval/mean.h"
#include "eval/token_scores.h"
#include "pare/error.h"

namespace pare::eval {

namespace {

Evaluation score_lines(const Subject& subject, const std::vector<MaskedLine>& lines, TokenId mask,
                       const EvalOptions& options) {
  const Course course(subject.context, lines.size());
  Mean right, loss;
  Evaluation result;
  MaskedBatch batch;
  std::size_t batches = 0;
  BatchShare share(subject.context);
  const auto score = [&] {
    std::vector<Prediction> predictions;
    for (std::size_t i = 0; i < batch.rows.size(); ++i) predictions.push_back({batch.rows[i], batch.hidden[i]});
    const Matrix hidden = subject.hidden_states(batches, batch.tokens);
    std::vector<double> numbers;  // of each token: whether it is right, and the loss
    for (const TokenScore& token : score_tokens(*subject.runner, hidden, predictions, subject.context))
      numbers.insert(numbers.end(), {token.best ? 1.0 : 0.0, -token.log_probability});
    share.add(std::move(numbers));
  };
  const auto run = [&] {
    if (share.takes_next()) score();
    ++batches;
    batch = {};
  };
  for (std::size_t i = 0; i < lines.size(); course.tell(++i)) {
    const MaskedLine& line = lines[i];
    if (!line.own.empty()) ++result.items;
    for (const std::size_t place : line.own) {
      add_masked(batch, line, {place}, mask);
      if (batch.tokens.tokens() >= kBatchTokens) run();
    }
  }
  if (batch.tokens.tokens() != 0) run();
  for (const std::vector<double>& numbers : share.all())
    for (std::size_t i = 0; i < numbers.size(); i += 2) {
      right.add(numbers[i]);
      loss.add(numbers[i + 1]);
    }
  if (loss.count() == 0) throw Error(ErrorCode::kUnsupported, options.data, "has no token to hide");
  result.tokens = loss.count();
  result.scores = {mean_score("accuracy", right), perplexity_score("pseudo_perplexity", loss)};
  return result;
}

}  // namespace

Scoring prepare_masked_lm(const Subject& subject, const EvalOptions& options) {
  const base::LineFile file(options.data, options.limit);
  const TokenId mask = subject.need(subject.tokenizer->special().mask, "mask");
  std::vector<MaskedLine> lines;
  for (const base::Line& line : file.lines()) lines.push_back(masked_line(subject, line.text));
  return [lines = std::move(lines), mask, &options](const Subject& scored) {
    return score_lines(scored, lines, mask, options);
  };
}

}  // namespace pare::eval
