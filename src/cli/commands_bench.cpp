// pare bench: the gains of pruning in bytes and time.
#include <fmt/format.h>

#include <memory>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/print_as.h"
#include "cli/progress.h"
#include "pare/bench.h"
#include "pare/json.h"
#include "pare/results.h"

namespace pare::cli {
namespace bench_command {

constexpr const char* kExamples = R"(Examples:
  pare bench gpt2
      size, load time, memory and speed as it is and at 50, 90, 95 and 99 %, dense beside sparse
  pare bench gpt2 --levels 90 --length 512 --steps 128 --runs 9
      one level, a longer prompt, more tokens and more runs
  pare bench bert-base-uncased --levels 90 --batch 8 --no-sizes
      an encoder, eight sequences at once, run time alone
  pare bench ./pruned/sparsity-90 --levels none --json
      a model that is pruned already, by dense and by sparse kernels
  pare bench gpt2 --pattern 2:4
      half of the weights, two of every four

Run pare tune once before, so that layers take the kernels that are fastest on this machine.
)";

struct Arguments {
  ModelArguments models;
  FormatArguments format;
  RunArguments run;
  PatternArguments pattern;
  std::string scope, schedule = "independent";
  std::vector<std::string> levels;
  BenchOptions bench;
  bool no_sizes = false;
};

PruneOptions pruning_of(const Arguments& arguments) {
  PruneOptions options;
  const std::vector<Pattern> patterns = patterns_of("--pattern", arguments.pattern.patterns);
  if (patterns.size() > 1) throw UsageError("--pattern takes one pattern here");
  const bool fixed = !patterns.empty() && patterns.front().level();
  if (arguments.levels.empty() && !fixed)
    options.levels = levels_of({"50,90,95,99"}, true);
  else if (arguments.levels != std::vector<std::string>{"none"})
    set_levels(options, arguments.levels, arguments.run.quiet);
  options.scope = scope_of(arguments.scope);
  options.schedule = schedule_of(arguments.schedule);
  return with_patterns(options, arguments.pattern, arguments.scope).front();
}

void run(const Arguments& arguments, const Context& context) {
  const Format format = format_of(arguments.format);
  BenchOptions options = arguments.bench;
  options.pruning = pruning_of(arguments);
  options.sizes = !arguments.no_sizes;
  const std::vector<Model> models = open_models(arguments.models, arguments.run.quiet, context);
  std::vector<BenchResult> results;
  {
    ProgressLine progress("bench", arguments.run.quiet);
    const Context followed = progress.follow(context);
    const auto all = static_cast<double>(models.size());
    for (const Model& model : models) {
      const auto done = static_cast<double>(results.size());
      results.push_back(measure_speed(model, options, followed.part(done / all, (done + 1) / all)));
    }
  }
  print_as(format, {[&](Markup markup) { return bench_text(results, markup); },
                    [&] { return bench_csv_table(results); }, [&] { return bench_json(results); }});
}

void add_shape(Command& command, BenchOptions& options) {
  const auto add = [&](const char* name, std::size_t& value, const char* help, int lowest, int highest) {
    command.add_option(name, value, help)->type_name("N")->range(lowest, highest)->group("Measurement");
  };
  add("--batch", options.sequences, "Sequences in the prefill (default 1)", 1, 1 << 16);
  add("--length", options.length, "Tokens per sequence (default 128)", 1, 1 << 20);
  add("--context", options.context, "Context tokens before decoding (default 64)", 1, 1 << 20);
  add("--steps", options.steps, "Tokens decoded per run; 0 to skip (default 32)", 0, 1 << 20);
  add("--runs", options.runs, "Number of alternating dense/sparse runs (default 5)", 1, 10'000);
}

}  // namespace bench_command

void add_bench_command(Command& program, const Context& context) {
  using namespace bench_command;
  Command command = program.add_subcommand("bench", "Measure what pruning gains: size, load time, memory and speed");
  const auto arguments = std::make_shared<Arguments>();
  add_models(*command, arguments->models, true);
  add_levels(*command, arguments->levels,
             "Percentages to prune to in memory (default 50,90,95,99), none, or a\nlevels file", true);
  add_schedule(*command, arguments->scope, arguments->schedule);
  add_pattern(*command, arguments->pattern, false);
  add_shape(*command, arguments->bench);
  command->add_flag("--no-sizes", arguments->no_sizes, "Measure run time only: write, compress and load nothing")
      ->group("Measurement");
  add_format(*command, arguments->format);
  add_running(*command, arguments->run);
  command->footer(kExamples);
  command->callback([arguments, context] { run(*arguments, context.with_threads(arguments->run.threads)); });
}

}  // namespace pare::cli
