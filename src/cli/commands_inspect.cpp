// pare inspect: the location of a model's big parameters.
#include <algorithm>
#include <limits>
#include <memory>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/print_as.h"
#include "cli/progress.h"
#include "pare/inspect.h"
#include "pare/json.h"
#include "pare/results.h"

namespace pare::cli {
namespace {

constexpr const char* kExamples = R"(Examples:
  pare inspect gpt2
      the overall figures, groups, layers and what stands out of GPT-2 in the Hugging Face cache
  pare inspect ./model --rows tensors --measure signed
      every tensor in the study's own measure
  pare inspect before=./model after=./pruned
      two models side by side
  pare inspect ./model --group attention --exclude '*.bias' --quantiles 0.5,0.99
      attention matrices only, with the median and the 99th percentile of |w|
  pare inspect ./model --format csv > shares.csv
      a row per tensor in full precision: tensor,parameters,share_percent,...
)";

struct Arguments {
  ModelArguments models;
  MeasureArguments measure;
  FilterArguments filters;
  FormatArguments format;
  RunArguments run;
  std::vector<std::string> rows, tails, quantiles;
  std::size_t largest = 10;
};

std::vector<Rows> rows_asked(const std::vector<std::string>& names) {
  constexpr Rows kAll[] = {Rows::kOverall, Rows::kGroups, Rows::kLayers, Rows::kTensors};
  std::vector<Rows> rows;
  for (const std::string& name : split("--rows", names)) {
    const std::size_t index = choose("--rows", name, {"overall", "groups", "layers", "tensors", "all"});
    if (index == std::size(kAll))
      rows.insert(rows.end(), std::begin(kAll), std::end(kAll));
    else
      rows.push_back(kAll[index]);
  }
  return rows;
}

InspectOptions options_of(const Arguments& arguments) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  InspectOptions options;
  options.cutoff = arguments.measure.cutoff;
  options.measure = measure_of(arguments.measure);
  if (!arguments.tails.empty()) options.tails = numbers_of("--tails", arguments.tails, 0, kInfinity);
  options.quantiles = numbers_of("--quantiles", arguments.quantiles, 0, 1);
  options.largest = arguments.largest;
  options.include = arguments.filters.include;
  options.exclude = arguments.filters.exclude;
  options.groups = groups_of(arguments.filters);
  return options;
}

void run(const Arguments& arguments, const Context& context) {
  const Format format = format_of(arguments.format);
  const InspectOptions options = options_of(arguments);
  std::vector<Rows> rows = rows_asked(arguments.rows);
  const std::vector<Model> models = open_models(arguments.models, context);
  std::vector<Inspection> inspections;
  for (const Model& model : models) {
    ProgressLine progress("inspecting " + model.title, arguments.run.quiet);
    inspections.push_back(inspect(model, options, progress.follow(context)));
  }
  if (format == Format::kCsv) {
    for (const Model& model : models) print_notes(model, arguments.run.quiet);
    if (rows.empty()) rows.push_back(Rows::kTensors);
  }
  print_as(format,
           {[&](Markup markup) { return inspect_text(models, inspections, rows, markup); },
            [&] { return inspect_csv_table(inspections, rows); }, [&] { return inspect_json(models, inspections); }});
}

}  // namespace

void add_inspect_command(Command& program, const Context& context) {
  Command command =
      program.add_subcommand("inspect", "Show the share of parameters above a cutoff, overall and by layer");
  const auto arguments = std::make_shared<Arguments>();
  add_models(*command, arguments->models, true);
  add_measure(*command, arguments->measure);
  command->add_option("--tails", arguments->tails, "Additional cutoffs for the long tail (default 1,2,5)")
      ->type_name("C,...")
      ->allow_extra_args(false)
      ->group("Measure");
  command->add_option("--quantiles", arguments->quantiles, "Quantiles of |w|, from 0 to 1, e.g. 0.5,0.99 (exact)")
      ->type_name("P,...")
      ->allow_extra_args(false)
      ->group("Measure");
  command->add_option("--largest", arguments->largest, "Number of largest parameters to list (default 10)")
      ->type_name("N")
      ->range(0, 100'000)
      ->group("Measure");
  add_filters(*command, arguments->filters, "Inspect");
  command
      ->add_option("--rows", arguments->rows,
                   "Tables to show: overall, groups, layers, tensors or all (default: a\n"
                   "summary; csv: tensors; json always contains everything)")
      ->type_name("KIND,...")
      ->allow_extra_args(false)
      ->group("Output");
  add_format(*command, arguments->format);
  add_running(*command, arguments->run);
  command->footer(kExamples);
  command->callback([arguments, context] { run(*arguments, context.with_threads(arguments->run.threads)); });
}

}  // namespace pare::cli
