#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <stdexcept>

#include "base/collective.h"
#include "base/file_map.h"
#include "base/hash.h"
#include "eval/subject.h"
#include "pare/error.h"

namespace pare {
namespace eval {

namespace {

/// True for an ENCODER+DECODER whose cross-attention no file holds.
bool has_drawn_weights(const Model& model) {
  const auto files = model.checkpoint.files();
  return model.model_type == "encoder-decoder" &&
         std::any_of(files.begin(), files.end(), [](const CheckpointFile& file) { return file.path.empty(); });
}

std::optional<std::string> mismatch(const Model& model, const ModelTraits& traits, Task task) {
  constexpr std::string_view kShapes[] = {"a decoder", "an encoder", "an encoder-decoder"};
  if (has_drawn_weights(model) && (task == Task::kClassify || task == Task::kTextToText))
    return "is composed of two: its cross-attention is drawn at random, and what it writes means nothing";
  const auto no = [&](std::string_view wanted) {
    return fmt::format("is {}: {} needs {}", kShapes[static_cast<std::size_t>(traits.kind)], task_name(task), wanted);
  };
  switch (task) {
    case Task::kPerplexity:
    case Task::kWikitext:
    case Task::kLambada:
      if (traits.kind != ModelKind::kCausal) return no("a decoder such as GPT-2");
      break;
    case Task::kMaskedLm:
      if (traits.kind != ModelKind::kEncoder) return no("an encoder such as BERT");
      if (!traits.masked_lm_head) return "has no masked-LM head";
      break;
    case Task::kClassify:
      if (traits.kind == ModelKind::kCausal) return no("a classification head, or T5");
      if (traits.kind == ModelKind::kEncoder && traits.labels == 0) return "has no sequence-classification head";
      break;
    case Task::kTextToText:
      if (traits.kind != ModelKind::kEncoderDecoder) return no("an encoder-decoder such as T5");
      break;
    case Task::kDivergence:
      if (traits.kind == ModelKind::kEncoder && !traits.masked_lm_head) return "has no masked-LM head to compare";
      break;
  }
  return std::nullopt;
}

/// Throws Error for a task that makes no sense. What cannot be run at all is left to open_runner(), which says more.
void require_suitable(const Model& model, Task task) {
  const std::optional<ModelTraits> traits = traits_of(model);
  if (!traits) return;
  if (const auto why = mismatch(model, *traits, task)) throw Error(ErrorCode::kUnsupported, model.source, *why);
}

Subject open_suitable(const Model& model, const EvalOptions& options, const Context& context) {
  require_suitable(model, options.task);
  return open_subject(model, options.kernels, context);
}

/// `same_reference`: the prepared model is its own reference.
Scoring prepare(const Subject& subject, const EvalOptions& options, bool same_reference, bool keep) {
  switch (options.task) {
    case Task::kPerplexity:
      return prepare_perplexity(subject, options);
    case Task::kWikitext:
      return prepare_wikitext(subject, options);
    case Task::kLambada:
      return prepare_lambada(subject, options);
    case Task::kMaskedLm:
      return prepare_masked_lm(subject, options);
    case Task::kClassify:
      return prepare_classify(subject, options);
    case Task::kTextToText:
      return prepare_text_to_text(subject, options);
    case Task::kDivergence:
      break;
  }
  if (options.reference == nullptr) throw Error(ErrorCode::kArgument, "divergence needs a reference model");
  std::shared_ptr<const Runner> reference = subject.runner;
  if (!same_reference) reference = open_runner(*options.reference, {options.kernels}, subject.context);
  if (kind_of(*reference) != kind_of(*subject.runner))
    throw Error(ErrorCode::kMismatch, subject.model->source, "is of another kind than " + options.reference->source);
  return prepare_divergence(subject, std::move(reference), options, keep);
}

/// Throws Error (kMismatch) on rank 0 of a group if the ranks read different data.
void require_same_data(const std::filesystem::path& data, const Context& context) {
  if (context.group() == nullptr) return;
  base::Hash64 hash;
  hash.add(base::FileMap::open(data)->bytes());
  base::require_same(hash.value(), data.string(), "data", context);
}

struct Named {
  std::string_view name;
  ScoreKind kind;
};

constexpr std::array<Named, 13> kScores{{{"token_perplexity", {"perplexity a token"}},
                                         {"word_perplexity", {"perplexity a word"}},
                                         {"byte_perplexity", {"perplexity a byte"}},
                                         {"bits_per_byte", {"bits a byte"}},
                                         {"accuracy", {"accuracy", true, true}},
                                         {"perplexity", {"perplexity"}},
                                         {"pseudo_perplexity", {"pseudo-perplexity"}},
                                         {"f1", {"F1", true, true}},
                                         {"matthews", {"Matthews", false, true}},
                                         {"exact_match", {"exact match", true, true}},
                                         {"bleu", {"BLEU", false, true}},
                                         {"kl", {"KL (nats)"}},
                                         {"top1_agreement", {"top-1 agreement", true, true}}}};

}  // namespace
}  // namespace eval

const std::vector<std::string_view>& task_names() {
  static const std::vector<std::string_view> names{"perplexity", "wikitext",  "lambada",   "masked-lm",
                                                   "classify",   "text2text", "divergence"};
  return names;
}

std::string_view protocol_name(Protocol protocol) noexcept {
  return protocol == Protocol::kSparseGpt ? "sparsegpt" : "huggingface";
}

std::string_view task_name(Task task) noexcept { return task_names()[static_cast<std::size_t>(task)]; }

Task parse_task(std::string_view name) {
  const std::vector<std::string_view>& names = task_names();
  for (std::size_t i = 0; i < names.size(); ++i)
    if (names[i] == name) return static_cast<Task>(i);
  throw Error(ErrorCode::kArgument,
              fmt::format("unknown task '{}' (expected one of {})", name, fmt::join(names, ", ")));
}

const ScoreKind& score_kind(std::string_view name) {
  for (const eval::Named& score : eval::kScores)
    if (score.name == name) return score.kind;
  throw std::out_of_range("no task has the score " + std::string(name));
}

std::optional<std::string> unsuitable(const Model& model, Task task) {
  const std::optional<ModelTraits> traits = traits_of(model);
  if (!traits) return "is of a kind that pare does not run";
  return eval::mismatch(model, *traits, task);
}

struct PreparedTask::State {
  /// For hidden states between layers, in bytes.
  static constexpr std::size_t kStateBytes = std::size_t{1} << 30;

  State(const Model& model, EvalOptions given, bool keep, const Context& context)
      : options(std::move(given)), subject(eval::open_suitable(model, options, context)) {
    started = std::chrono::steady_clock::now();
    kind = kind_of(*subject.runner);
    vocabulary = subject.runner->vocabulary();
    positions = subject.runner->positions();
    scoring = eval::prepare(subject, options, options.reference == &model, keep);
    eval::require_same_data(options.data, context);
    if (keep) subject.kept = std::make_shared<eval::KeptStates>(kStateBytes);
    options.reference = nullptr;  // may be gone when a model is scored
    subject.context = {};         // the progress function, too
  }

  Evaluation score(const eval::Subject& scored) const {
    Evaluation result = scoring(scored);
    result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
    return result;
  }

  /// The prepared model, to be scored by a call with `context`.
  eval::Subject prepared(const Context& context) const {
    eval::Subject scored = subject;
    scored.context = context;
    return scored;
  }

  EvalOptions options;
  eval::Subject subject;
  ModelKind kind{};
  std::size_t vocabulary = 0, positions = 0;
  eval::Scoring scoring;
  std::chrono::steady_clock::time_point started;
};

PreparedTask::PreparedTask(const Model& model, const EvalOptions& options, const Context& context)
    : state_(std::make_unique<State>(model, options, true, context)) {}
PreparedTask::~PreparedTask() = default;
PreparedTask::PreparedTask(PreparedTask&&) noexcept = default;
PreparedTask& PreparedTask::operator=(PreparedTask&&) noexcept = default;

Evaluation PreparedTask::score(const Context& context) {
  eval::Subject& own = state_->subject;
  if (!own.runner) own.runner = open_runner(*own.model, {state_->options.kernels}, context);
  state_->started = std::chrono::steady_clock::now();
  return state_->score(state_->prepared(context));
}

Evaluation PreparedTask::score(const Model& model, const Context& context) {
  eval::Subject& prepared = state_->subject;
  prepared.runner.reset();  // its weights may be converted copies, of which one at a time is enough
  eval::Subject subject{std::make_shared<const Model>(model),
                        open_runner(model, {state_->options.kernels}, context),
                        prepared.tokenizer,
                        context,
                        eval::count_shared_layers(*prepared.model, model),
                        prepared.kept};
  if (kind_of(*subject.runner) != state_->kind || subject.runner->vocabulary() != state_->vocabulary ||
      subject.runner->positions() != state_->positions)
    throw Error(ErrorCode::kMismatch, model.source,
                "has another shape than " + prepared.model->source + ", which the task was prepared for");
  eval::require_suitable(model, state_->options.task);
  state_->started = std::chrono::steady_clock::now();
  return state_->score(subject);
}

Evaluation evaluate(const Model& model, const EvalOptions& options, const Context& context) {
  const PreparedTask::State task(model, options, false, context);
  return task.score(task.prepared(context));
}

}  // namespace pare
