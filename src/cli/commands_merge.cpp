// pare merge: one inspection of the parts that pare inspect --part wrote.
#include <memory>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/inspect_output.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "pare/partial.h"

namespace pare::cli {
namespace merge_command {

constexpr const char* kExamples = R"(Examples:
  for k in 1 2 3 4; do pare inspect ./model --part $k/4 -o part-$k & done; wait
  pare merge part-*
      what pare inspect ./model prints, measured by four processes
  pare merge part-* --model /mnt/elsewhere/model --json
      the same as JSON, where the model has another path than it had for the parts

The model is opened for its names and configuration; its weights are read only for --quantiles.
docs/clusters.md has examples for Slurm, GNU parallel, Dask and Ray.
)";

struct Arguments {
  std::vector<std::string> parts;
  std::string model;
  InspectOutput output;
  RunArguments run;
};

void run(const Arguments& arguments, const Context& context) {
  check_inspect_output(arguments.output);
  std::vector<PartialInspection> partials;
  for (const std::string& part : arguments.parts) partials.push_back(load_partial(part));
  PartialInspection whole = merge_partials(std::move(partials));
  whole.options.tensor_rows = shows_tensors(arguments.output);
  const std::string& spec = arguments.model.empty() ? whole.model : arguments.model;
  const std::vector<Model> models{open_one_model(spec, whole.model_options, arguments.run.quiet, context)};
  std::vector<Inspection> inspections;
  {
    ProgressLine progress("inspecting " + models.front().title, arguments.run.quiet);
    inspections.push_back(
        assemble(models.front(), whole.options, std::move(whole.measurement), progress.follow(context)));
  }
  print_inspections(arguments.output, models, inspections, arguments.run.quiet);
}

}  // namespace merge_command

void add_merge_command(Command& program, const Context& context) {
  using namespace merge_command;
  Command command = program.add_subcommand("merge", "Put the parts of an inspection together");
  const auto arguments = std::make_shared<Arguments>();
  command->add_option("PART", arguments->parts, "Files that pare inspect --part wrote, all parts in any order")
      ->type_name("")
      ->required();
  command
      ->add_option("--model", arguments->model,
                   "The same model at another path or with another title\n(default: as named for the first part)")
      ->type_name("MODEL");
  add_inspect_output(*command, arguments->output);
  add_running(*command, arguments->run);
  command->footer(kExamples);
  command->callback([arguments, context] { run(*arguments, context.with_threads(arguments->run.threads)); });
}

}  // namespace pare::cli
