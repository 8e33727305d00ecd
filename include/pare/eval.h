// Evaluation: the usual scores of language models, computed on local files.
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

/// The task of an evaluation. docs/tasks.md defines the scores of each task and names their sources.
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
/// Returns the task of this name. Throws Error (kArgument), which lists the names, for other names.
Task parse_task(std::string_view name);

/// How the task perplexity makes windows of a text. A perplexity is comparable only with others of its protocol.
enum class Protocol : std::uint8_t {
  kHuggingFace,  ///< sliding windows of the text as it is
  kSparseGpt,    ///< disjoint windows of the lines joined by blank lines, as SparseGPT's and Wanda's code
};
/// "huggingface", "sparsegpt".
std::string_view protocol_name(Protocol protocol) noexcept;

struct EvalOptions {
  Task task = Task::kPerplexity;
  std::filesystem::path data;                  ///< text, JSON lines or TSV, by task; see docs/tasks.md
  std::size_t limit = 0;                       ///< how many windows, pages, lines or rows to score at most; 0: all
  Protocol protocol = Protocol::kHuggingFace;  ///< for perplexity
  /// Tokens per window; 0: the model's number of positions (1024 if unlimited), with kSparseGpt at most 2048.
  std::size_t context = 0;
  std::size_t stride = 0;  ///< tokens from one window to the next; 0: half the context
  std::string text_column = "sentence", pair_column = {}, label_column = "label";
  std::string source_column = "source", target_column = "target";
  std::optional<std::string> prefix;  ///< before every source; default "sst2 sentence: " for T5's classify, else none
  std::string pair_prefix = " sentence2: ";                         ///< between a source and its pair, for T5
  std::vector<std::string> label_words = {"negative", "positive"};  ///< words that T5 should write for labels 0, 1, ...
  GenerateOptions generation;                                       ///< for text2text
  const Model* reference = nullptr;  ///< needed for divergence; not owned, and not used after the call
  KernelChoice kernels = KernelChoice::kFastest;
};

struct Score {
  std::string name;  ///< e.g. "accuracy", "token_perplexity"
  double value = 0;
  std::optional<double> standard_error = {};
};

struct Evaluation {
  std::vector<Score> scores;
  std::uint64_t items = 0;         ///< windows, pages, lines or rows
  std::uint64_t tokens = 0;        ///< scored tokens (classify: read tokens; text2text: generated tokens)
  double seconds = 0;              ///< wall-clock time of scoring, without preparation
  std::vector<std::string> notes;  ///< one sentence each, for people
};

/// How to show a score.
struct ScoreKind {
  std::string_view title;  ///< "accuracy", "perplexity a token", ...
  bool share = false;      ///< a fraction of 1, shown as percent
  bool higher_is_better = false;
};
/// Throws std::out_of_range for an unknown name.
const ScoreKind& score_kind(std::string_view name);

/// Names that a task uses.
struct TaskKind {
  std::string_view item;        ///< unit of its data: "window", "page", "line", "row" or "item"
  std::string_view main_score;  ///< name of the score that reports and charts show
  std::string_view loss_score;  ///< name of the score from which sensitivity derives degradation
};
const TaskKind& task_kind(Task task) noexcept;

/// Returns why `model` does not support `task`, as a text that can follow the model's name ("is an encoder: ...");
/// nullopt if the model supports it.
std::optional<std::string> unsuitable(const Model& model, Task task);

/// A task whose data is read and tokenized once, to score any number of models: one model and its pruned copies.
/// For divergence, the predictions of the reference model are computed once as well and kept in memory (logits up to
/// 1 GiB). For decoder-only and encoder models, hidden states between layers are kept too (up to 1 GiB): a model whose
/// first layers have the same weights as the prepared one, because only later layers were pruned, starts from the
/// states after these layers. Not thread-safe.
class PreparedTask {
 public:
  /// `model` and `options.reference` need not outlive the constructor. Throws as evaluate() does.
  PreparedTask(const Model& model, const EvalOptions& options, const Context& context = {});
  ~PreparedTask();
  PreparedTask(PreparedTask&&) noexcept;
  PreparedTask& operator=(PreparedTask&&) noexcept;

  /// Scores the model that the task was prepared with.
  Evaluation score(const Context& context = {});
  /// Scores another model with the same tokenizer. Throws Error (kMismatch) if its kind, vocabulary or number of
  /// positions differs.
  Evaluation score(const Model& model, const Context& context = {});

 private:
  struct State;
  friend Evaluation evaluate(const Model& model, const EvalOptions& options, const Context& context);
  std::unique_ptr<State> state_;
};

/// Scores one model on one task. Throws Error if the model does not support the task, if its tokenizer is missing or
/// does not match, or if the data is missing, empty, malformed or not valid UTF-8; Interrupted.
Evaluation evaluate(const Model& model, const EvalOptions& options, const Context& context = {});

}  // namespace pare
