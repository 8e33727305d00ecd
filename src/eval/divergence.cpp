// How far a model's predictions are from those of another, on the same text and without labels.
#include "eval/masking.h"
#include "eval/statistics.h"
#include "eval/text_data.h"
#include "eval/windows.h"
#include "pare/error.h"

namespace pare::eval {
namespace {

/// Masked language models: tokens that are hidden together are this far apart, so that about one in seven is
/// (Devlin et al. 2019 hide 15 %).
constexpr std::size_t kHiddenApart = 7;

/// Runs both models and gathers where they differ.
class Comparison {
 public:
  Comparison(const Subject& reference, const Subject& subject, unsigned threads)
      : reference_(reference), subject_(subject), threads_(threads) {}

  void compare(const TokenBatch& batch, const std::vector<std::size_t>& rows) {
    add(reference_.runner->hidden_states(batch), subject_.runner->hidden_states(batch), rows);
  }
  /// Encoder-decoders, every target token being predicted from those before it.
  void compare_decoders(const TokenBatch& sources, const TokenBatch& targets) {
    const auto decoded = [&](const EncoderDecoderRunner& runner) {
      const auto state = runner.start(sources);
      return runner.decode(targets, *state);
    };
    std::vector<std::size_t> rows(targets.tokens());
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = i;
    add(decoded(reference_.encoder_decoder()), decoded(subject_.encoder_decoder()), rows);
  }

  Evaluation result(std::size_t items) const {
    Evaluation result;
    result.items = items;
    result.tokens = kl_.count();
    result.scores = {mean_score("kl", kl_), mean_score("top1_agreement", agreement_)};
    return result;
  }

 private:
  void add(const Matrix& expected, const Matrix& got, const std::vector<std::size_t>& rows) {
    for (const Disagreement& one : compare_rows(*reference_.runner, expected, *subject_.runner, got, rows, threads_)) {
      kl_.add(one.kl);
      agreement_.add(one.same_best ? 1 : 0);
    }
  }

  const Subject &reference_, &subject_;
  unsigned threads_;
  Mean kl_, agreement_;
};

Evaluation causal_divergence(const Subject& subject, Comparison& comparison, const EvalOptions& options) {
  const std::vector<TokenId> tokens = subject.tokenizer->encode(read_text(options.data), false);
  if (tokens.size() < 2) throw Error(options.data, "is too short: nothing in it is predicted");
  const std::size_t context = context_of(subject, options);
  std::vector<Window> windows = sliding_windows(tokens.size(), context, stride_of(options, context));
  if (options.limit != 0 && windows.size() > options.limit) windows.resize(options.limit);
  const Course course(options, windows.size());
  for (std::size_t next = 0; next < windows.size(); course.tell(next)) {
    const WindowBatch batch = take_windows(tokens, windows, next);
    std::vector<std::size_t> rows;
    for (const Prediction& prediction : batch.predictions) rows.push_back(prediction.row);
    comparison.compare(batch.tokens, rows);
  }
  return comparison.result(windows.size());
}

Evaluation masked_divergence(const Subject& subject, Comparison& comparison, const EvalOptions& options) {
  const LineFile file(options.data, options.limit);
  const TokenId mask = subject.need(subject.tokenizer->special().mask, "mask");
  const Course course(options, file.lines().size());
  std::size_t items = 0;
  for (std::size_t next = 0; next < file.lines().size(); course.tell(next)) {
    MaskedBatch batch;
    while (next < file.lines().size() && batch.tokens.tokens() < kBatchTokens) {
      const MaskedLine line = masked_line(subject, file.lines()[next++].text);
      if (!line.own.empty()) ++items;
      for (std::size_t pass = 0; pass < kHiddenApart; ++pass) {
        std::vector<std::size_t> places;
        for (std::size_t i = pass; i < line.own.size(); i += kHiddenApart) places.push_back(line.own[i]);
        if (!places.empty()) add_masked(batch, line, places, mask);
      }
    }
    comparison.compare(batch.tokens, batch.rows);
  }
  if (items == 0) throw Error(options.data, "has no token to hide");
  return comparison.result(items);
}

Evaluation decoder_divergence(const Subject& subject, Comparison& comparison, const EvalOptions& options) {
  const TsvFile table(options.data, {options.source_column, options.target_column}, options.limit);
  const std::string prefix = options.prefix.value_or("");
  const TokenId start = subject.encoder_decoder().decoder_start();
  const Course course(options, table.rows());
  for (std::size_t next = 0; next < table.rows(); course.tell(next)) {
    TokenBatch sources, targets;
    for (; next < table.rows() && sources.tokens() + targets.tokens() < kBatchTokens; ++next) {
      sources.add(subject.tokenizer->encode(prefix + std::string(table.cell(next, 0)), true));
      std::vector<TokenId> target = subject.tokenizer->encode(table.cell(next, 1), true);
      target.insert(target.begin(), start);
      target.pop_back();
      targets.add(target);
    }
    comparison.compare_decoders(sources, targets);
  }
  return comparison.result(table.rows());
}

}  // namespace

Evaluation divergence(const Subject& subject, const Subject& reference, const EvalOptions& options) {
  if (subject.runner->vocabulary() != reference.runner->vocabulary())
    throw Error(subject.model->source,
                "has another vocabulary than " + reference.model->source + ": their predictions cannot be compared");
  Comparison comparison(reference, subject, options.threads);
  if (dynamic_cast<const CausalRunner*>(subject.runner.get()) != nullptr)
    return causal_divergence(subject, comparison, options);
  if (dynamic_cast<const EncoderRunner*>(subject.runner.get()) != nullptr)
    return masked_divergence(subject, comparison, options);
  return decoder_divergence(subject, comparison, options);
}

}  // namespace pare::eval
