// pare report: the complete study in one directory.
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/streams.h"
#include "pare/chart.h"
#include "pare/error.h"
#include "pare/report.h"

namespace pare::cli {
namespace report_command {

constexpr const char* kExamples = R"(Examples:
  pare report gpt2 bert=bert-base-uncased+bert-base-uncased t5-small -o study
      the study: tables, charts and pruning at 10, 50, 90, 95 and 99 %, in study/report.md and, to
      sort, filter and send, in study/report.html
  pare report ./model -o study --levels 50,90 --keep-models
      two levels, and the pruned checkpoints under study/models/
  pare report ./model -o study --pattern 1x8 --levels 50,80
      the same study of weights that go by blocks of eight
  pare report gpt2 -o study --compare-patterns 2:4,4:8,1x8,rows --eval lambada=lambada_test.jsonl
      what patterns cost beside weights that go one by one, all at 50 %
  pare report gpt2 -o study --levels 50,60,70 --criteria magnitude,wanda,sparsegpt,alps --data text.txt
         --eval perplexity=wiki.test.raw
      ways to choose weights side by side: score, time, memory, evenness across layers
  pare report gpt2 -o study --eval perplexity=wiki.test.raw --eval lambada=lambada_test.jsonl
      what pruning costs as well: scores against sparsity
  pare report gpt2 -o study --eval perplexity=wiki.test.raw --bench
      and what it gains: size and run time, and quality against both
)";

struct Arguments {
  ModelArguments models;
  MeasureArguments measure;
  RunArguments run;
  PatternArguments pattern;
  TextArguments text;
  std::vector<std::string> compared_patterns, criteria;
  std::string output, scope, schedule = "independent";
  std::vector<std::string> levels, evals;
  std::size_t eval_limit = 0;
  std::size_t bench_runs = 0;
  bool force = false, keep_models = false, bench = false;
};

/// "lambada=FILE": a task and its data.
EvalOptions eval_of(const std::string& text, std::size_t limit) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals + 1 == text.size())
    throw UsageError(fmt::format("--eval: '{}' is not of the form TASK=FILE", text));
  EvalOptions options;
  try {
    options.task = parse_task(text.substr(0, equals));
  } catch (const Error& error) {
    throw UsageError(fmt::format("--eval: {}", error.what()));
  }
  options.data = text.substr(equals + 1);
  options.limit = limit;
  return options;
}

void set_patterns(ReportOptions& options, const Arguments& arguments) {
  options.compared_patterns = patterns_of("--compare-patterns", arguments.compared_patterns);
  if (arguments.pattern.patterns.empty() && !options.compared_patterns.empty()) {
    options.norm = norm_of(arguments.pattern.norm);
    return;
  }
  PruneOptions pruning;
  pruning.levels = options.levels;
  const std::vector<PruneOptions> all = with_patterns(pruning, arguments.pattern, arguments.scope);
  if (all.size() > 1) throw UsageError("--pattern takes one pattern; use --compare-patterns to compare several");
  options.pattern = all.front().pattern;
  options.norm = all.front().norm;
}

void set_criteria(ReportOptions& options, const Arguments& arguments) {
  for (const std::string& name : split("--criteria", arguments.criteria)) {
    const Criterion criterion = parse_criterion("--criteria", name);
    if (std::find(options.compared_criteria.begin(), options.compared_criteria.end(), criterion) !=
        options.compared_criteria.end())
      throw UsageError(fmt::format("--criteria: {} is given twice", name));
    options.compared_criteria.push_back(criterion);
  }
  const auto calibrated = std::find_if(options.compared_criteria.begin(), options.compared_criteria.end(),
                                       [](Criterion criterion) { return is_calibrated(criterion); });
  options.calibration = calibration_of(arguments.text, arguments.models.options.seed);
  if (calibrated == options.compared_criteria.end()) {
    if (!arguments.text.data.empty() || arguments.text.sequences != 0 || arguments.text.length != 0)
      throw UsageError("--data, --sequences and --length require --criteria with wanda, sparsegpt or alps");
    return;
  }
  if (arguments.text.data.empty())
    throw UsageError(fmt::format("--criteria {} requires --data, a text to calibrate on", criterion_name(*calibrated)));
  if (options.pattern.has_norm())
    throw UsageError(fmt::format("--criteria {} does not support --pattern {}", criterion_name(*calibrated),
                                 options.pattern.text()));
}

ReportOptions options_of(const Arguments& arguments, const std::string& command_line) {
  ReportOptions options;
  options.levels = levels_of(arguments.levels, arguments.run.quiet);
  options.cutoff = arguments.measure.cutoff;
  options.measure = measure_of(arguments.measure);
  options.scope = scope_of(arguments.scope);
  options.schedule = schedule_of(arguments.schedule);
  set_patterns(options, arguments);
  set_criteria(options, arguments);
  for (const std::string& text : arguments.evals) options.evals.push_back(eval_of(text, arguments.eval_limit));
  if (arguments.bench) options.bench.emplace();
  if (arguments.bench_runs != 0) {
    if (!arguments.bench) throw UsageError("--bench-runs requires --bench");
    options.bench->runs = arguments.bench_runs;
  }
  options.keep_models = arguments.keep_models;
  options.force = arguments.force;
  options.command = command_line;
  return options;
}

void run(const Arguments& arguments, const std::string& command_line, const Context& context) {
  const ReportOptions options = options_of(arguments, command_line);
  if (arguments.output.empty()) throw UsageError("-o is required (output directory)");
  prepare_directory(arguments.output, arguments.force, arguments.run.quiet);
  require_gnuplot();
  const std::vector<Model> models = open_models(arguments.models, arguments.run.quiet, context);
  prepare_apart(arguments.output, models, arguments.run.quiet);
  std::filesystem::path path;
  {
    ProgressLine progress("report", arguments.run.quiet);
    path = write_report(models, arguments.output, options, progress.follow(context));
  }
  print(path.string() + '\n');
}

}  // namespace report_command

void add_report_command(Command& program, const std::string& command_line, const Context& context) {
  using namespace report_command;
  Command command =
      program.add_subcommand("report", "Write the whole study: tables, charts and pruning in one directory");
  const auto arguments = std::make_shared<Arguments>();
  add_models(*command, arguments->models, true);
  add_levels(*command, arguments->levels, "Percentages to prune (default 10,50,90,95,99)");
  add_schedule(*command, arguments->scope, arguments->schedule);
  add_pattern(*command, arguments->pattern, false);
  command
      ->add_option(
          "--compare-patterns", arguments->compared_patterns,
          "Compare patterns with unstructured pruning, at the levels that N:M\npatterns fix, otherwise at 50 %")
      ->type_name("PATTERN,...")
      ->allow_extra_args(false)
      ->group("Pruning");
  command
      ->add_option("--criteria", arguments->criteria,
                   "Put these criteria of pare prune side by side, at every level:\n"
                   "magnitude, random; on --data wanda, sparsegpt, alps")
      ->type_name("CRITERION,...")
      ->allow_extra_args(false)
      ->group("Pruning");
  add_calibration_text(*command, arguments->text);
  command
      ->add_option("--eval", arguments->evals,
                   "Score every model at every level (repeatable; tasks: see pare eval).\nTasks that do not suit a "
                   "model are skipped")
      ->type_name("TASK=FILE")
      ->allow_extra_args(false)
      ->group("Scores");
  command->add_option("--eval-limit", arguments->eval_limit, "Use only the first N windows, lines or rows of each task")
      ->type_name("N")
      ->range(0, 1'000'000'000)
      ->group("Scores");
  command
      ->add_flag("--bench", arguments->bench,
                 "Measure size and run time of every model at every level (see pare bench)")
      ->group("Scores");
  command->add_option("--bench-runs", arguments->bench_runs, "Number of alternating dense/sparse runs (default 5)")
      ->type_name("N")
      ->range(1, 10'000)
      ->group("Scores");
  add_measure(*command, arguments->measure);
  add_output(*command, arguments->output, arguments->force, "DIR", "Output directory");
  command->add_flag("--keep-models", arguments->keep_models, "Also write the pruned checkpoints, under DIR/models/")
      ->group("Output");
  add_running(*command, arguments->run);
  command->footer(kExamples);
  command->callback([arguments, command_line, context] {
    run(*arguments, command_line, context.with_threads(arguments->run.threads));
  });
}

}  // namespace pare::cli
