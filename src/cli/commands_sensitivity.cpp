// pare sensitivity: the degradation from pruning single parts of a model, and levels chosen from it.
#include <fmt/format.h>

#include <memory>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/eval_options.h"
#include "cli/options.h"
#include "cli/print_as.h"
#include "cli/progress.h"
#include "pare/chart.h"
#include "pare/error.h"
#include "pare/json.h"
#include "pare/results.h"
#include "pare/sensitivity.h"

namespace pare::cli {
namespace sensitivity_command {

constexpr const char* kExamples = R"(Examples:
  pare sensitivity gpt2 --data wiki.test.raw --limit 8
      prunes each layer alone to 50, 80, 90 and 95 %, and ranks them by how far predictions move
  pare sensitivity gpt2 --data wiki.test.raw --limit 8 --by tensor --chart sensitivity.png
      each matrix alone, with a chart
  pare sensitivity ./model --task perplexity --data train.txt --limit 20 --target 80 --write levels.json
      levels for each layer that lose least at 80 % overall ...
  pare prune ./model --levels levels.json -o pruned
      ... and the checkpoint pruned so
  pare calibrate ./model --data a.txt -o s.safetensors
  pare sensitivity ./model --data b.txt --criterion alps --statistics s.safetensors --target 60 --write l.json
  pare prune ./model --criterion alps --statistics s.safetensors --levels l.json -o pruned
      levels for alps, found by pruning with alps; give pare prune the same criterion
)";

struct Arguments {
  ModelArguments models;
  TaskArguments task;
  FormatArguments format;
  RunArguments run;
  std::string by = "layer", criterion = "magnitude", statistics, chart, write;
  std::vector<std::string> levels, target;
  unsigned rounds = 4;
  bool refit = false, force = false;
};

/// Also checks the options that go with it.
Criterion criterion_of(const Arguments& arguments, const Context& context) {
  constexpr Criterion kCriteria[] = {Criterion::kMagnitude, Criterion::kWanda, Criterion::kSparseGpt, Criterion::kAlps};
  std::vector<std::string_view> names;
  for (const Criterion criterion : kCriteria) names.push_back(criterion_name(criterion));
  const Criterion criterion = kCriteria[choose("--criterion", arguments.criterion, names)];
  const bool calibrated = is_calibrated(criterion);
  if ((calibrated || arguments.refit) && arguments.statistics.empty())
    throw UsageError(fmt::format("{} requires --statistics, a file that pare calibrate writes",
                                 calibrated ? "--criterion " + arguments.criterion : "--refit"));
  if (!calibrated && !arguments.refit && !arguments.statistics.empty())
    throw UsageError(fmt::format("--statistics does not apply to --criterion {} without --refit", arguments.criterion));
  if (context.group() != nullptr && !arguments.statistics.empty())
    throw UsageError("--statistics is for one process, not under mpirun");
  return criterion;
}

SensitivityOptions options_of(const Command& command, const Arguments& arguments, const Context& context) {
  SensitivityOptions options;
  options.eval = eval_options_of(command, arguments.task);
  options.unit = static_cast<UnitKind>(choose("--by", arguments.by, {"layer", "group", "tensor"}));
  if (!arguments.levels.empty()) options.levels = levels_of(arguments.levels, arguments.run.quiet);
  options.criterion = criterion_of(arguments, context);
  options.refit = arguments.refit;
  options.statistics = arguments.statistics;
  return options;
}

void run(const Command& command, const Arguments& arguments, const Context& context) {
  const Format format = format_of(arguments.format);
  const SensitivityOptions options = options_of(command, arguments, context);
  const std::vector<double> targets = numbers_of("--target", arguments.target, 0, 100);
  if (targets.size() > 1) throw UsageError("--target takes one percentage");
  if (!arguments.write.empty() && targets.empty())
    throw UsageError("--write requires --target (the sparsity to reach)");
  for (const std::string* file : {&arguments.write, &arguments.chart})
    if (!file->empty()) prepare_file(*file, arguments.force, arguments.run.quiet);
  if (!arguments.chart.empty()) require_gnuplot();
  const std::vector<Model> models = open_models(arguments.models, arguments.run.quiet, context);
  const Model& model = models.front();
  for (const std::string* file : {&arguments.write, &arguments.chart})
    if (!file->empty()) prepare_apart(*file, models, arguments.run.quiet);
  SensitivityResults results{model.title, std::string(task_name(options.eval.task)), options.eval.data.string(), {}, 0,
                             {}};
  {
    ProgressLine progress("sensitivity", arguments.run.quiet);
    const Context followed = progress.follow(context);
    results.sensitivity = measure_sensitivity(model, options, followed);
    if (!targets.empty()) {
      results.target = targets.front() / 100;
      results.allocations = allocate(model, results.sensitivity, options, {results.target, arguments.rounds}, followed);
    }
  }
  model.checkpoint.require_unchanged();
  if (!context.leads()) return;
  if (!arguments.write.empty()) write_levels(results.allocations.back().sets, arguments.write, arguments.force);
  if (!arguments.chart.empty()) draw(sensitivity_chart(results), arguments.chart, arguments.force, context);
  print_as(format, {[&](Markup markup) { return sensitivity_text(results, markup); },
                    [&] { return sensitivity_csv_table(results); }, [&] { return sensitivity_json(results); }});
}

void add_criterion(Command& command, Arguments& arguments) {
  command
      .add_option("--criterion", arguments.criterion,
                  "By which units are pruned: magnitude, with one threshold for each\n"
                  "(default); the others, for linears of layers, require --statistics")
      ->type_name("magnitude|wanda|sparsegpt|alps")
      ->group("Pruning");
  command
      .add_option("--statistics", arguments.statistics,
                  "What the linears of this model read, as pare calibrate wrote it")
      ->type_name("FILE")
      ->group("Pruning");
  command
      .add_flag("--refit", arguments.refit, "Fit the weights that remain, as pare prune does;\nrequires --statistics")
      ->group("Pruning");
}

}  // namespace sensitivity_command

void add_sensitivity_command(Command& program, const Context& context) {
  using namespace sensitivity_command;
  Command command =
      program.add_subcommand("sensitivity", "Show which layers tolerate pruning, and find levels for each");
  const auto arguments = std::make_shared<Arguments>();
  arguments->task.task = "divergence";
  add_models(*command, arguments->models, false);
  add_task(*command, arguments->task);
  command->add_option("--by", arguments->by, "Unit pruned at a time: a layer (default), a group or a tensor")
      ->type_name("layer|group|tensor")
      ->group("Pruning");
  add_criterion(*command, *arguments);
  add_levels(*command, arguments->levels, "Percentages to prune each unit to (default 50,80,90,95)");
  command->add_option("--target", arguments->target, "Also search for levels of the units that give P % overall")
      ->type_name("P")
      ->group("Pruning");
  command->add_option("--rounds", arguments->rounds, "Rounds of that search (default 4)")
      ->type_name("N")
      ->range(0, 1000)
      ->group("Pruning");
  command->add_option("--write", arguments->write, "Write the levels to a file for pare prune --levels FILE")
      ->type_name("FILE")
      ->group("Output");
  command->add_option("--chart", arguments->chart, "Draw the degradation by layer (.png or .svg)")
      ->type_name("FILE")
      ->group("Output");
  command->add_flag("--force", arguments->force, "Replace existing files")->group("Output");
  add_format(*command, arguments->format);
  add_running(*command, arguments->run);
  command->footer(kExamples);
  command->callback(
      [arguments, command, context] { run(*command, *arguments, context.with_threads(arguments->run.threads)); });
}

}  // namespace pare::cli
