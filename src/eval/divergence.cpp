// How far a model's predictions are from those of another, on the same text and without labels.
#include "base/text_data.h"
#include "eval/batch_share.h"
#include "eval/masking.h"
#include "eval/mean.h"
#include "eval/windows.h"
#include "pare/error.h"

namespace pare::eval {
namespace {

/// Masked language models: tokens that are hidden together are this far apart, so that about one in seven is
/// (Devlin et al. 2019 hide 15 %).
constexpr std::size_t kHiddenApart = 7;

/// Memory for the logits of a reference model that is compared with several others. Those beyond it are computed again
/// from hidden states, which are small.
constexpr std::size_t kReferenceBytes = std::size_t{1} << 30;

/// What is run at once. `targets` is empty but for encoder-decoders, whose sources `tokens` are.
struct Batch {
  TokenBatch tokens, targets;
  std::vector<std::size_t> rows;  ///< of hidden states, to compare
  std::size_t done = 0;           ///< windows, lines or rows read up to the end of this batch, for progress
};

struct Prepared {
  std::vector<Batch> batches;
  std::size_t items = 0, total = 0;  ///< compared items; read items, for progress
};

/// `number` of the batch.
Matrix hidden_of(const Subject& subject, std::size_t number, const Batch& batch) {
  if (batch.targets.sequences() == 0) return subject.hidden_states(number, batch.tokens);
  const Context& context = subject.context;
  const EncoderDecoderRunner& pair = subject.encoder_decoder();
  const auto state = pair.start(batch.tokens, context);
  return pair.decode(batch.targets, *state, context);
}

Prepared prepare_causal(const Subject& subject, const EvalOptions& options) {
  const std::vector<TokenId> tokens = subject.tokenizer->encode(base::read_text(options.data), false);
  if (tokens.size() < 2) throw Error(ErrorCode::kUnsupported, options.data, "is too short: nothing in it is predicted");
  const std::size_t context = context_of(subject, options);
  std::vector<Window> windows = sliding_windows(tokens.size(), context, stride_of(options, context));
  if (options.limit != 0 && windows.size() > options.limit) windows.resize(options.limit);
  Prepared prepared{{}, windows.size(), windows.size()};
  for (std::size_t next = 0; next < windows.size();) {
    WindowBatch window = take_windows(tokens, windows, next);
    Batch& batch = prepared.batches.emplace_back();
    batch.tokens = std::move(window.tokens);
    for (const Prediction& prediction : window.predictions) batch.rows.push_back(prediction.row);
    batch.done = next;
  }
  return prepared;
}

Prepared prepare_masked(const Subject& subject, const EvalOptions& options) {
  const base::LineFile file(options.data, options.limit);
  const TokenId mask = subject.need(subject.tokenizer->special().mask, "mask");
  Prepared prepared{{}, 0, file.lines().size()};
  for (std::size_t next = 0; next < file.lines().size();) {
    MaskedBatch batch;
    while (next < file.lines().size() && batch.tokens.tokens() < kBatchTokens) {
      const MaskedLine line = masked_line(subject, file.lines()[next++].text);
      if (!line.own.empty()) ++prepared.items;
      for (std::size_t pass = 0; pass < kHiddenApart; ++pass) {
        std::vector<std::size_t> places;
        for (std::size_t i = pass; i < line.own.size(); i += kHiddenApart) places.push_back(line.own[i]);
        if (!places.empty()) add_masked(batch, line, places, mask);
      }
    }
    prepared.batches.push_back({std::move(batch.tokens), {}, std::move(batch.rows), next});
  }
  if (prepared.items == 0) throw Error(ErrorCode::kUnsupported, options.data, "has no token to hide");
  return prepared;
}

/// Encoder-decoders: every target token is predicted from those before it.
Prepared prepare_decoder(const Subject& subject, const EvalOptions& options) {
  const base::TsvFile table(options.data, {options.source_column, options.target_column}, options.limit);
  const std::string prefix = options.prefix.value_or("");
  const TokenId start = subject.encoder_decoder().decoder_start();
  Prepared prepared{{}, table.rows(), table.rows()};
  for (std::size_t next = 0; next < table.rows();) {
    Batch& batch = prepared.batches.emplace_back();
    for (; next < table.rows() && batch.tokens.tokens() + batch.targets.tokens() < kBatchTokens; ++next) {
      batch.tokens.add(subject.tokenizer->encode(prefix + std::string(table.cell(next, 0)), true));
      std::vector<TokenId> target = subject.tokenizer->encode(table.cell(next, 1), true);
      target.insert(target.begin(), start);
      target.pop_back();
      batch.targets.add(target);
    }
    batch.rows.resize(batch.targets.tokens());
    for (std::size_t i = 0; i < batch.rows.size(); ++i) batch.rows[i] = i;
    batch.done = next;
  }
  return prepared;
}

Prepared prepared_for(const Subject& subject, const EvalOptions& options) {
  if (dynamic_cast<const CausalRunner*>(subject.runner.get()) != nullptr) return prepare_causal(subject, options);
  if (dynamic_cast<const EncoderRunner*>(subject.runner.get()) != nullptr) return prepare_masked(subject, options);
  return prepare_decoder(subject, options);
}

/// Compares models with one reference, whose predictions it computes when they are first needed.
class Comparison {
 public:
  Comparison(Prepared prepared, std::shared_ptr<const Runner> reference, bool keep)
      : prepared_(std::move(prepared)), reference_(std::move(reference)), keep_(keep) {
    if (keep_) kept_.resize(prepared_.batches.size());
  }

  Evaluation score(const Subject& subject) {
    const Context& context = subject.context;
    const Course course(context, prepared_.total);
    Mean kl, agreement;
    BatchShare share(context);
    for (std::size_t i = 0; i < prepared_.batches.size(); ++i) {
      if (!share.takes_next()) continue;
      const Batch& batch = prepared_.batches[i];
      ReferenceRows once;
      ReferenceRows& reference = keep_ ? kept_[i] : once;
      if (reference.hidden.rows == 0)
        reference.hidden = picked_rows(hidden_of({nullptr, reference_, nullptr, context}, i, batch), batch.rows);
      const Matrix hidden = picked_rows(hidden_of(subject, i, batch), batch.rows);
      std::vector<double> numbers;  // of each row: the divergence, and whether they agree
      for (const Disagreement& one : compare_rows(*reference_, reference, room_, *subject.runner, hidden, context))
        numbers.insert(numbers.end(), {one.kl, one.same_best ? 1.0 : 0.0});
      share.add(std::move(numbers));
      course.tell(batch.done);
    }
    for (const std::vector<double>& numbers : share.all())
      for (std::size_t i = 0; i < numbers.size(); i += 2) {
        kl.add(numbers[i]);
        agreement.add(numbers[i + 1]);
      }
    Evaluation result;
    result.items = prepared_.items;
    result.tokens = kl.count();
    result.scores = {mean_score("kl", kl), mean_score("top1_agreement", agreement)};
    return result;
  }

 private:
  Prepared prepared_;
  std::shared_ptr<const Runner> reference_;
  bool keep_;
  std::vector<ReferenceRows> kept_;
  std::size_t room_ = keep_ ? kReferenceBytes : 0;  ///< left for logits, in bytes
};

}  // namespace

Scoring prepare_divergence(const Subject& subject, std::shared_ptr<const Runner> reference, const EvalOptions& options,
                           bool keep) {
  if (subject.runner->vocabulary() != reference->vocabulary())
    throw Error(ErrorCode::kMismatch, subject.model->source,
                "has another vocabulary than " + options.reference->source + ": their predictions cannot be compared");
  const auto comparison = std::make_shared<Comparison>(prepared_for(subject, options), std::move(reference), keep);
  return [comparison](const Subject& scored) { return comparison->score(scored); };
}

}  // namespace pare::eval
