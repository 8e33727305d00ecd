// pare eval: scores of models, unpruned and pruned.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/eval_options.h"
#include "cli/options.h"
#include "cli/print_as.h"
#include "cli/progress.h"
#include "cli/streams.h"
#include "pare/eval.h"
#include "pare/json.h"
#include "pare/prune.h"
#include "pare/results.h"

namespace pare::cli {
namespace eval_command {

constexpr const char* kExamples = R"(Examples:
  pare eval gpt2 --task perplexity --data wiki.test.raw --context 1024 --stride 512
      perplexity by sliding window, as in Hugging Face's guide
  pare eval gpt2 --task lambada --data lambada_test.jsonl --levels 10,50,90
      accuracy on the last word, dense and pruned in memory to three levels
  pare eval dense=./model pruned=./pruned --task classify --data sst2/dev.tsv
      two checkpoints with a classification head side by side
  pare eval t5-small --task text2text --data pairs.tsv --prefix 'translate English to German: ' --beams 4
      exact match and BLEU with beam search
  pare eval gpt2 --task lambada --data lambada_test.jsonl --pattern unstructured,2:4,1x8,rows
      patterns side by side, all at the 50 % that 2:4 fixes
  pare eval gpt2 --task divergence --data wiki.test.raw --levels 10,50,90 --limit 50
      how far pruned models are from the dense one; needs no labels
  pare eval gpt2 --task wikitext --data wiki.test.raw --lm-eval >results_gpt2.json
      for programs that read the results of lm-evaluation-harness
  mpirun -n 4 pare eval ./model --task wikitext --data wiki.test.raw
      four processes share the text, with the same scores (docs/clusters.md)
)";

struct Arguments {
  ModelArguments models;
  TaskArguments task;
  FormatArguments format;
  RunArguments run;
  PatternArguments pattern;
  std::string scope, schedule = "independent", reference;
  std::vector<std::string> levels;
  std::string kernels = "fastest";
  bool lm_eval = false;
};

/// Computes the scores, model by model and level by level.
class Course {
 public:
  Course(const Arguments& arguments, EvalOptions options, std::size_t total, const Context& context)
      : options_(std::move(options)),
        total_(static_cast<double>(total)),
        progress_("eval", arguments.run.quiet),
        context_(progress_.follow(context)) {}

  /// Scores `model`, or a pruned copy instead.
  Evaluation score(const Model& model, const Model* pruned, const std::string& what) {
    if (prepared_for_ != &model) {
      prepared_.reset();
      prepared_.emplace(model, options_, context_);
      prepared_for_ = &model;
    }
    const Context part = context_.part(done_ / total_, (done_ + 1) / total_, what);
    Evaluation result = pruned == nullptr ? prepared_->score(part) : prepared_->score(*pruned, part);
    ++done_;
    return result;
  }

 private:
  EvalOptions options_;
  std::optional<PreparedTask> prepared_;
  const Model* prepared_for_ = nullptr;
  double total_, done_ = 0;
  ProgressLine progress_;
  Context context_;
};

/// One plan for each pattern, or one that prunes nothing.
std::vector<PruneOptions> prune_options_of(const Arguments& arguments) {
  PruneOptions options;
  set_levels(options, arguments.levels, arguments.run.quiet);
  options.scope = scope_of(arguments.scope);
  options.schedule = schedule_of(arguments.schedule);
  std::vector<PruneOptions> all = with_patterns(options, arguments.pattern, arguments.scope);
  if (!arguments.pattern.patterns.empty() && !all.front().prunes())
    throw UsageError(fmt::format("--pattern {} requires --levels", all.front().pattern.text()));
  return all;
}

/// Number of pruned copies of each model.
std::size_t pruned_count(const std::vector<PruneOptions>& pruning) {
  std::size_t count = 0;
  for (const PruneOptions& options : pruning)
    count += options.levels.empty() ? std::size_t{options.prunes()} : options.levels.size();
  return count;
}

/// Zeros among the weights that pruning covers by default; empty for a model without such weights.
Share sparsity_of(const Model& model, const Context& context) {
  PruneOptions options;
  options.levels = {Amount::percent("0")};
  if (std::none_of(model.parameters.begin(), model.parameters.end(), [](const Parameter& p) { return p.prunable; }))
    return {};
  const PrunePlan plan = plan_pruning(model, options, context);
  std::uint64_t zeros = 0;
  for (const std::uint64_t count : plan.zeros_before) zeros += count;
  return {zeros, plan.candidates};
}

/// Scores all levels of one pattern.
std::vector<EvalRow> pruned_rows(const Model& model, const PruneOptions& pruning, bool named, bool quiet,
                                 Course& course, const Context& context) {
  std::vector<EvalRow> rows;
  const PrunePlan plan = plan_pruning(model, pruning, context);
  print_notes(model.title, plan.notes, quiet);
  const std::string pattern = pruning.pattern.text();
  for (std::size_t level = 0; level < plan.levels.size(); ++level) {
    const std::string& label = plan.levels[level].amount.label;
    const Model pruned = pruned_model(model, plan, level, context);
    EvalRow& row = rows.emplace_back();
    row.model = model.title;
    row.level = label;
    if (named) row.pattern = pattern;
    row.sparsity = {plan.levels[level].zeros, plan.candidates};
    row.evaluation =
        course.score(model, &pruned, fmt::format("{} at {} %{}", model.title, label, named ? ", " + pattern : ""));
  }
  return rows;
}

/// Sorts by level, so that patterns are compared at equal levels.
void add_rows(const Model& model, const std::vector<PruneOptions>& pruning, const Arguments& arguments, bool dense,
              Course& course, std::vector<EvalRow>& rows, const Context& context) {
  if (dense) rows.push_back({model.title, {}, sparsity_of(model, context), course.score(model, nullptr, model.title)});
  std::vector<EvalRow> pruned;
  std::vector<std::string> order;  // the levels in the requested order
  for (const PruneOptions& options : pruning) {
    if (!options.prunes()) continue;
    const bool named = !arguments.pattern.patterns.empty();
    for (EvalRow& row : pruned_rows(model, options, named, arguments.run.quiet, course, context)) {
      if (std::find(order.begin(), order.end(), *row.level) == order.end()) order.push_back(*row.level);
      pruned.push_back(std::move(row));
    }
  }
  const auto place = [&](const EvalRow& row) { return std::find(order.begin(), order.end(), *row.level); };
  std::stable_sort(pruned.begin(), pruned.end(),
                   [&](const EvalRow& a, const EvalRow& b) { return place(a) < place(b); });
  std::move(pruned.begin(), pruned.end(), std::back_inserter(rows));
}

EvalResults results_of(const Arguments& arguments, const std::vector<Model>& models, EvalOptions options,
                       const Context& context) {
  const std::vector<PruneOptions> pruning = prune_options_of(arguments);
  EvalResults results{options.task, options.data.string(), {}, {}, options.limit};
  std::optional<Model> reference;
  const bool compares = options.task == Task::kDivergence;
  if (compares && !arguments.reference.empty())
    reference = open_one_model(arguments.reference, arguments.models.options, arguments.run.quiet, context);
  if (compares && !reference && models.size() == 1 && pruned_count(pruning) == 0)
    throw UsageError("divergence requires a second MODEL, --levels or --reference MODEL");
  // Without another reference, the first model is the reference, and is not compared with itself.
  const std::size_t skipped = compares && !reference ? 1 : 0;
  if (compares) options.reference = reference ? &*reference : &models.front();
  if (compares) results.reference = options.reference->title;
  Course course(arguments, options, models.size() * (1 + pruned_count(pruning)) - skipped, context);
  for (std::size_t i = 0; i < models.size(); ++i)
    add_rows(models[i], pruning, arguments, i >= skipped, course, results.rows, context);
  return results;
}

void run(const Command& command, const Arguments& arguments, const Context& context) {
  const Format format = format_of(arguments.format);
  EvalOptions options = eval_options_of(command, arguments.task);
  options.kernels =
      static_cast<KernelChoice>(choose("--kernels", arguments.kernels, {"fastest", "dense", "sliced", "masked"}));
  if (!arguments.reference.empty() && options.task != Task::kDivergence)
    throw UsageError("--reference requires --task divergence");
  if (arguments.lm_eval && (arguments.format.json || arguments.format.format != "table"))
    throw UsageError("--lm-eval is a format of its own: leave out --format and --json");
  if (arguments.lm_eval && !has_lm_eval_task(options.task))
    throw UsageError("--lm-eval requires --task wikitext or lambada, which lm-evaluation-harness has");
  const std::vector<Model> models = open_models(arguments.models, arguments.run.quiet, context);
  const EvalResults results = results_of(arguments, models, options, context);
  if (arguments.lm_eval) return print(lm_eval_json(results));
  print_as(format, {[&](Markup markup) { return eval_text(results, markup); }, [&] { return eval_csv_table(results); },
                    [&] { return eval_json(results); }});
}

}  // namespace eval_command

void add_eval_command(Command& program, const Context& context) {
  using namespace eval_command;
  Command command =
      program.add_subcommand("eval", "Score models on local text: perplexity, LAMBADA, GLUE, BLEU, divergence");
  const auto arguments = std::make_shared<Arguments>();
  add_models(*command, arguments->models, true);
  add_task(*command, arguments->task);
  command->add_option("--reference", arguments->reference, "divergence: the reference model (default: the first MODEL)")
      ->type_name("MODEL")
      ->group("Task");
  add_levels(*command, arguments->levels,
             "Also score the models pruned in memory to these percentages, or by\na levels file", true);
  add_schedule(*command, arguments->scope, arguments->schedule);
  add_pattern(*command, arguments->pattern, true);
  add_format(*command, arguments->format);
  command
      ->add_flag(
          "--lm-eval", arguments->lm_eval,
          "wikitext, lambada: print what lm-evaluation-harness writes to its\nresults file, a line for each model")
      ->group("Output");
  command
      ->add_option("--kernels", arguments->kernels,
                   "Kernels for layers with zeros: the fastest for each (default), or the\nsame for all")
      ->type_name("fastest|dense|sliced|masked")
      ->group("Running");
  add_running(*command, arguments->run);
  command->footer(kExamples);
  command->callback(
      [arguments, command, context] { run(*command, *arguments, context.with_threads(arguments->run.threads)); });
}

}  // namespace pare::cli
