// How good a model is: the scores that people quote for language models, computed on local files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pare/generate.h"
#include "pare/model.h"

namespace pare {

/// docs/tasks.md defines each score and names its source.
enum class Task : std::uint8_t {
  kPerplexity,  ///< decoder-only: sliding window over a text
  kWikitext,    ///< decoder-only: lm-evaluation-harness' wikitext, by page
  kLambada,     ///< decoder-only: lm-evaluation-harness' lambada_openai
  kMaskedLm,    ///< encoder: each token masked in turn (Salazar et al. 2020)
  kClassify,    ///< encoder with a classification head, or T5 by its text prefix
  kTextToText,  ///< encoder-decoder: exact match and BLEU
  kDivergence,  ///< any: KL and top-1 agreement with a reference model
};

/// "perplexity", "wikitext", "lambada", "masked-lm", "classify", "text2text", "divergence".
std::string_view task_name(Task task) noexcept;
const std::vector<std::string_view>& task_names();
/// Throws Error listing the names.
Task parse_task(std::string_view name);

struct EvalOptions {
  Task task = Task::kPerplexity;
  std::filesystem::path data;
  std::size_t limit = 0;    ///< first so many windows, pages or lines; 0: all
  std::size_t context = 0;  ///< tokens a window sees; 0: as many as the model has positions (1024 where unlimited)
  std::size_t stride = 0;   ///< tokens from one window to the next; 0: half the context
  std::string text_column = "sentence", pair_column = {}, label_column = "label";
  std::string source_column = "source", target_column = "target";
  std::optional<std::string> prefix;  ///< before every source; default "sst2 sentence: " for T5's classify, else none
  std::string pair_prefix = " sentence2: ";                         ///< between a source and its pair, for T5
  std::vector<std::string> label_words = {"negative", "positive"};  ///< what T5 is to say for label 0, 1, ...
  GenerateOptions generation;
  const Model* reference = nullptr;  ///< for divergence
  KernelChoice kernels = KernelChoice::kFastest;
};

struct Score {
  std::string name;  ///< e.g. "accuracy", "token_perplexity"
  double value = 0;
  std::optional<double> standard_error = {};
};

struct Evaluation {
  std::vector<Score> scores;
  std::uint64_t items = 0;   ///< windows, pages, lines or rows
  std::uint64_t tokens = 0;  ///< scored tokens (classify: read tokens; text2text: written tokens)
  double seconds = 0;
  std::vector<std::string> notes;  ///< one sentence each, for people
};

/// What people want to know of a score.
struct ScoreKind {
  std::string_view title;  ///< "accuracy", "perplexity a token"
  bool share = false;      ///< a fraction of 1, shown as percent
  bool higher_is_better = false;
};
/// Throws std::out_of_range for a name that no task has.
const ScoreKind& score_kind(std::string_view name);

/// What a task scores.
struct TaskKind {
  std::string_view item;        ///< of its data: "window", "page", "line", "row" or "item"
  std::string_view main_score;  ///< name of the score that reports and charts show
  std::string_view loss_score;  ///< name of the score from which sensitivity derives degradation
};
const TaskKind& task_kind(Task task) noexcept;

/// Why `task` makes no sense for `model`, as the end of a sentence about it ("is an encoder: ..."); empty if it does.
/// Throws Error for a model that cannot be run.
std::optional<std::string> unsuitable(const Model& model, Task task);

/// A task whose data are read and encoded once and that scores any number of models: one model and its pruned copies.
/// For divergence, the predictions of the reference model are computed once as well and kept in memory (logits up to
/// 1 GiB). For a decoder or encoder some of whose first blocks have the weights of the prepared model, as after
/// pruned_model() of later ones, the states after these blocks are kept too (up to 1 GiB) and serve the next models.
/// One call at a time.
class PreparedTask {
 public:
  /// Keeps what it needs of `model` and `options.reference`. Throws what evaluate() throws.
  PreparedTask(const Model& model, const EvalOptions& options, const Context& context = {});
  ~PreparedTask();
  PreparedTask(PreparedTask&&) noexcept;
  PreparedTask& operator=(PreparedTask&&) noexcept;

  /// Scores the model that the task was prepared with.
  Evaluation score(const Context& context = {});
  /// Scores another model with the same tokenizer. Throws Error if its kind, vocabulary or number of positions differs.
  Evaluation score(const Model& model, const Context& context = {});

 private:
  struct State;
  friend Evaluation evaluate(const Model& model, const EvalOptions& options, const Context& context);
  std::unique_ptr<State> state_;
};

/// Prepares a task and scores one model. Throws Error for a task that makes no sense for it, a tokenizer that is
/// missing or does not fit, and data that is missing, empty, malformed or no UTF-8; Interrupted.
Evaluation evaluate(const Model& model, const EvalOptions& options, const Context& context = {});

}  // namespace pare
