// pare plot: the study's histogram, the share by layer, the cumulative share.
#include <cmath>
#include <memory>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/streams.h"
#include "pare/chart.h"
#include "pare/inspect.h"

namespace pare::cli {
namespace plot_command {

constexpr const char* kExamples = R"(Examples:
  pare plot gpt2 -o gpt2.png
      the histogram of |w|: bins of 0.1 from 0 to 5, log counts, the cutoff marked
  pare plot gpt2 -o gpt2.svg --measure signed --bins 100 --low -5
      of w instead, on both sides of 0
  pare plot bert=./bert+./bert -o layers.png --kind layers
      the share above the cutoff by layer, one line per group
  pare plot gpt2 t5-small -o cumulative.svg --kind cumulative
      the share above each cutoff, one line per model
)";

struct Arguments {
  ModelArguments models;
  MeasureArguments measure;
  RunArguments run;
  std::string output, kind = "histogram";
  bool force = false;
  std::size_t bins = 50;
  double low = 0, high = 5;
};

void plot_histogram(const Arguments& arguments, Measure measure, const Model& model, const Context& context) {
  const Histogram counts =
      histogram(measured_tensors(model), measure, arguments.low, arguments.high, arguments.bins, context);
  model.checkpoint.require_unchanged();
  if (!context.leads()) return;
  draw(HistogramChart{model.title, counts, measure, arguments.measure.cutoff}, arguments.output, arguments.force,
       context);
}

void plot_layers(const Arguments& arguments, Measure measure, const Model& model, const Context& context) {
  ProgressLine progress("inspecting " + model.title, arguments.run.quiet);
  InspectOptions options;
  options.cutoff = arguments.measure.cutoff;
  options.measure = measure;
  options.tensor_rows = false;
  const Inspection inspection = inspect(model, options, progress.follow(context));
  model.checkpoint.require_unchanged();
  if (!context.leads()) return;
  const LineChart chart = share_by_layer_chart(inspection);
  draw(chart, arguments.output, arguments.force, context);
}

void plot_cumulative(const Arguments& arguments, const std::vector<Model>& models, const Context& context) {
  std::vector<std::string> titles;
  std::vector<std::vector<Sketch>> sketches;
  for (const Model& model : models) {
    titles.push_back(model.title);
    sketches.push_back(magnitude_sketch(measured_tensors(model), context));
  }
  require_unchanged(models);
  if (!context.leads()) return;
  draw(cumulative_share_chart(titles, sketches, arguments.measure.cutoff), arguments.output, arguments.force, context);
}

void check(const Arguments& arguments, std::size_t kind) {
  if (arguments.output.empty()) throw UsageError("-o is required (a .png or .svg file)");
  if (!(std::isfinite(arguments.low) && std::isfinite(arguments.high) && arguments.low < arguments.high))
    throw UsageError("--low must be less than --high, both finite");
  if (kind != 2 && arguments.models.specs.size() > 1)
    throw UsageError("--kind " + arguments.kind + " shows one model; --kind cumulative shows several");
  const std::string extension = std::filesystem::path(arguments.output).extension().string();
  if (extension != ".png" && extension != ".svg")
    throw UsageError("-o: '" + arguments.output + "' must end in .png or .svg");
}

void run(const Arguments& arguments, const Context& context) {
  const std::size_t kind = choose("--kind", arguments.kind, {"histogram", "layers", "cumulative"});
  const Measure measure = measure_of(arguments.measure);
  check(arguments, kind);
  prepare_file(arguments.output, arguments.force, arguments.run.quiet);
  require_gnuplot();
  const std::vector<Model> models = open_models(arguments.models, arguments.run.quiet, context);
  prepare_apart(arguments.output, models, arguments.run.quiet);
  for (const Model& model : models) print_notes(model, arguments.run.quiet);
  if (kind == 0) plot_histogram(arguments, measure, models.front(), context);
  if (kind == 1) plot_layers(arguments, measure, models.front(), context);
  if (kind == 2) plot_cumulative(arguments, models, context);
  print(arguments.output + '\n');
}

}  // namespace plot_command

void add_plot_command(Command& program, const Context& context) {
  using namespace plot_command;
  Command command = program.add_subcommand("plot", "Draw the histogram, the share by layer, or the cumulative share");
  const auto arguments = std::make_shared<Arguments>();
  add_models(*command, arguments->models, true);
  command
      ->add_option("--kind", arguments->kind,
                   "histogram (default); layers: the share by layer and group;\n"
                   "cumulative: the share above each cutoff, for several models")
      ->type_name("histogram|layers|cumulative")
      ->group("Chart");
  command->add_option("--bins", arguments->bins, "Number of histogram bins (default 50)")
      ->type_name("N")
      ->range(1, 100'000)
      ->group("Chart");
  command->add_option("--low", arguments->low, "Lower end of the first bin (default 0)")
      ->type_name("X")
      ->group("Chart");
  command->add_option("--high", arguments->high, "Upper end of the last bin (default 5)")
      ->type_name("X")
      ->group("Chart");
  add_measure(*command, arguments->measure);
  add_output(*command, arguments->output, arguments->force, "FILE", "Chart to write, a .png or .svg file");
  add_running(*command, arguments->run);
  command->footer(kExamples);
  command->callback([arguments, context] { run(*arguments, context.with_threads(arguments->run.threads)); });
}

}  // namespace pare::cli
