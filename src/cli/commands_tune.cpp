// pare tune: measures the cost of products on this machine, for the choice between dense and sparse kernels.
#include <memory>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/print_as.h"
#include "cli/progress.h"
#include "pare/json.h"
#include "pare/results.h"
#include "pare/tune.h"

namespace pare::cli {
namespace tune_command {

constexpr const char* kExamples = R"(Examples:
  pare tune
      measures for some seconds, and keeps what it found for the other commands
  pare tune --threads 1 --show
      what is kept for one thread, without measuring
)";

struct Arguments {
  FormatArguments format;
  RunArguments run;
  bool show = false;
};

KernelCosts costs_of(const Arguments& arguments, const Context& context) {
  if (arguments.show) return kept_kernel_costs(context).value_or(standard_kernel_costs());
  ProgressLine progress("tune", arguments.run.quiet);
  KernelCosts costs = measure_kernel_costs(progress.follow(context));
  keep_kernel_costs(costs);
  return costs;
}

void run(const Arguments& arguments, const Context& context) {
  const Format format = format_of(arguments.format);
  const KernelCosts costs = costs_of(arguments, context);
  print_as(format, {[&](Markup markup) { return tune_text(costs, markup); }, [&] { return tune_table(costs); },
                    [&] { return tune_json(costs); }});
}

}  // namespace tune_command

void add_tune_command(Command& program, const Context& context) {
  using namespace tune_command;
  Command command = program.add_subcommand("tune", "Time the kernels on this machine, so that layers take the fastest");
  const auto arguments = std::make_shared<Arguments>();
  command->add_flag("--show", arguments->show, "Show the stored costs without measuring")->group("Output");
  add_format(*command, arguments->format);
  add_running(*command, arguments->run);
  command->footer(kExamples);
  command->callback([arguments, context] { run(*arguments, context.with_threads(arguments->run.threads)); });
}

}  // namespace pare::cli
