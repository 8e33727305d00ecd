// pare calibrate: what the linears of a model read on a text, as a file, for pruning later and more than once.
#include <fmt/format.h>

#include <memory>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/streams.h"
#include "pare/calibrate.h"

namespace pare::cli {
namespace calibrate_command {

constexpr const char* kExamples = R"(Examples:
  pare calibrate ./model --data text.txt -o statistics.safetensors
      runs the model once, and writes what each linear reads
  pare prune ./model -o pruned --statistics statistics.safetensors --criterion sparsegpt --levels 50,60,70
      three checkpoints, without the text and without running the model
  pare calibrate ./model --data text.txt -o norms.safetensors --norms-only
  pare prune ./model -o half --statistics norms.safetensors --criterion wanda --pattern 2:4
      a small file, enough for wanda

The inputs are those of the model as it is. So the weights differ from those of pare prune --data, where each layer is
pruned on what the pruned layers before it compute (docs/pruning.md has figures).
)";

struct Arguments {
  ModelArguments models;
  TextArguments text;
  RunArguments run;
  std::string output;
  bool force = false, norms_only = false;
};

void run(const Arguments& arguments, const Context& context) {
  if (arguments.text.data.empty()) throw UsageError("--data is required, a text to calibrate on");
  if (arguments.output.empty()) throw UsageError("-o is required, the file to write the statistics to");
  prepare_file(arguments.output, arguments.force, arguments.run.quiet);
  const std::vector<Model> models = open_models(arguments.models, arguments.run.quiet, context);
  const Model& model = models.front();
  check_output_apart(arguments.output, model);
  print_notes(model, arguments.run.quiet);
  StatisticsSummary summary;
  {
    ProgressLine progress("calibrating", arguments.run.quiet);
    summary = write_statistics(model, calibration_of(arguments.text, arguments.models.options.seed), arguments.output,
                               {arguments.norms_only, arguments.force}, progress.follow(context));
  }
  if (!summary.unseen.empty())
    summary.notes.push_back(fmt::format("no token of the text reached {} {}, so pruning will go by magnitude: {}{}",
                                        summary.unseen.size(), summary.unseen.size() == 1 ? "linear" : "linears",
                                        summary.unseen.front(), summary.unseen.size() == 1 ? "" : " and others"));
  print_notes(model.title, summary.notes, arguments.run.quiet);
}

}  // namespace calibrate_command

void add_calibrate_command(Command& program, const Context& context) {
  using namespace calibrate_command;
  Command command = program.add_subcommand("calibrate", "Save what linears read on a text, to prune by it later");
  const auto arguments = std::make_shared<Arguments>();
  add_models(*command, arguments->models, false);
  add_calibration_text(*command, arguments->text);
  command
      ->add_flag("--norms-only", arguments->norms_only,
                 "Only the norms of inputs: a few MB, for --criterion wanda and\n--allocation owl, but not for "
                 "sparsegpt, alps and --refit")
      ->group("Calibration");
  add_output(*command, arguments->output, arguments->force, "FILE",
             "File of statistics to write, for pare prune --statistics");
  add_running(*command, arguments->run);
  command->footer(kExamples);
  command->callback([arguments, context] { run(*arguments, context.with_threads(arguments->run.threads)); });
}

}  // namespace pare::cli
