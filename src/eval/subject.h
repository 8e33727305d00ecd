// What is scored: a model that runs, with its tokenizer.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "eval/kept_states.h"
#include "pare/eval.h"
#include "pare/run.h"
#include "pare/tokenizer.h"

namespace pare::eval {

struct Subject {
  std::shared_ptr<const Model> model;
  std::shared_ptr<const Runner> runner;
  std::shared_ptr<const Tokenizer> tokenizer;
  Context context;                        ///< of the call that scores it
  std::size_t shared_layers = 0;          ///< number of its first layers that share the prepared model's weights
  std::shared_ptr<KeptStates> kept = {};  ///< states after these layers; null where nothing is scored again

  // The runner as what a task needs; `unsuitable` has refused others.
  const CausalRunner& causal() const { return dynamic_cast<const CausalRunner&>(*runner); }
  const EncoderRunner& encoder() const { return dynamic_cast<const EncoderRunner&>(*runner); }
  const EncoderDecoderRunner& encoder_decoder() const { return dynamic_cast<const EncoderDecoderRunner&>(*runner); }

  /// Returns the runner's hidden states for a batch of the task. `batch` is its number, which stands for the same
  /// tokens in every scoring of a prepared task.
  Matrix hidden_states(std::size_t batch, const TokenBatch& tokens) const;

  /// Ids of a special token that a task cannot do without. Throws Error.
  TokenId need(std::optional<std::int32_t> id, const char* what) const;
  /// The token with which an encoder-decoder's output ends.
  TokenId end_token() const;
};

/// Opens the runner and the tokenizer, which throws Error for a text with a token that has no row in the embedding.
Subject open_subject(const Model& model, KernelChoice kernels, const Context& context);

/// Tells how far a task is.
class Course {
 public:
  Course(const Context& context, std::size_t total) : context_(context), total_(total) {}
  void tell(std::size_t done) const {
    if (total_ != 0) context_.report(static_cast<double>(done) / static_cast<double>(total_));
  }

 private:
  const Context& context_;
  std::size_t total_;
};

/// Tokens that go through a model at once: enough to keep its products busy, few enough for the caches.
constexpr std::size_t kBatchTokens = 2048;

/// A prepared task: its data are read and encoded. Scores any model that differs from the prepared one only in its
/// weights.
using Scoring = std::function<Evaluation(const Subject& subject)>;

// One function per task, each in its own file. `options` must outlive the result. Each throws what evaluate() throws.
Scoring prepare_perplexity(const Subject& subject, const EvalOptions& options);
Scoring prepare_wikitext(const Subject& subject, const EvalOptions& options);
Scoring prepare_lambada(const Subject& subject, const EvalOptions& options);
Scoring prepare_masked_lm(const Subject& subject, const EvalOptions& options);
Scoring prepare_classify(const Subject& subject, const EvalOptions& options);
Scoring prepare_text_to_text(const Subject& subject, const EvalOptions& options);
/// With `keep`, what the reference model predicts is computed once, by the first scoring, and kept for the next ones.
Scoring prepare_divergence(const Subject& subject, std::shared_ptr<const Runner> reference, const EvalOptions& options,
                           bool keep);

}  // namespace pare::eval
