// pare inspect: the location of a model's big parameters.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <memory>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/inspect_output.h"
#include "cli/options.h"
#include "cli/print_as.h"
#include "cli/progress.h"
#include "pare/check.h"
#include "pare/inspect.h"
#include "pare/json.h"
#include "pare/partial.h"
#include "pare/results.h"

namespace pare::cli {
namespace inspect_command {

constexpr const char* kExamples = R"(Examples:
  pare inspect gpt2
      the overall figures, groups, layers and what stands out of GPT-2, from the Hugging Face Hub
  pare inspect ./model --rows tensors --measure signed
      every tensor in the study's own measure
  pare inspect before=./model after=./pruned
      two models side by side
  pare inspect ./model --group attention --exclude '*.bias' --quantiles 0.5,0.99
      attention matrices only, with the median and the 99th percentile of |w|
  pare inspect ./model --format csv > shares.csv
      a row per tensor in full precision: tensor,parameters,share_percent,...
  pare inspect ./pruned --check
      N:M patterns along the input axis, dead rows, zeros stored as -0, leftover masks, wrong records
  pare inspect ./model --part 3/8 -o part-3
      the third of eight parts, each for a process of its own; pare merge part-* prints the whole
)";

struct Arguments {
  ModelArguments models;
  MeasureArguments measure;
  FilterArguments filters;
  InspectOutput output;
  RunArguments run;
  std::vector<std::string> tails, quantiles;
  std::size_t largest = 10;
  std::string part, split = "bytes", part_file;
  bool force = false, check = false, strict = false;
};

/// A whole number that is all of `text`; 0 if it is not one.
std::uint32_t number_in(std::string_view text) {
  std::uint32_t number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  return failure == std::errc() && end == text.data() + text.size() ? number : 0;
}

/// "3/8" as the third of eight parts. Throws UsageError.
Part part_of(const Arguments& arguments) {
  const std::string_view text = arguments.part;
  const std::size_t slash = std::min(text.find('/'), text.size());
  const std::uint32_t number = number_in(text.substr(0, slash));
  const std::uint32_t count = slash == text.size() ? 0 : number_in(text.substr(slash + 1));
  if (number == 0 || number > count)
    throw UsageError(fmt::format("--part: '{}' is not K/N with 1 <= K <= N, such as 3/8", text));
  std::vector<std::string_view> names;
  for (const Split split : {Split::kBytes, Split::kTensors, Split::kFiles}) names.push_back(split_name(split));
  return {number - 1, count, static_cast<Split>(choose("--split", arguments.split, names))};
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

/// Measures a part and writes it instead of printing anything.
void run_part(const Arguments& arguments, const Context& context) {
  const Part part = part_of(arguments);
  if (arguments.part_file.empty()) throw UsageError("--part requires -o, the file to write the part to");
  if (context.group() != nullptr) throw UsageError("--part is for a process of its own, not under mpirun");
  if (arguments.models.specs.size() != 1) throw UsageError("--part takes one MODEL");
  prepare_file(arguments.part_file, arguments.force, arguments.run.quiet);
  PartialInspection partial{
      arguments.models.specs.front(), arguments.models.options, options_of(arguments), part, {}, {}};
  const Model model = open_one_model(partial.model, partial.model_options, arguments.run.quiet, context);
  check_output_apart(arguments.part_file, model);
  {
    ProgressLine progress(fmt::format("inspecting part {} of {}", arguments.part, model.title), arguments.run.quiet);
    partial.measurement = measure(model, partial.options, part, progress.follow(context));
  }
  model.checkpoint.require_unchanged();
  save_partial(partial, arguments.part_file, arguments.force);
}

/// What pare inspect prints with --check.
void print_checks(Format format, const std::vector<ModelCheck>& checks) {
  const auto text = [&](Markup markup) {
    std::string all;
    for (const ModelCheck& check : checks) all += (all.empty() ? "" : "\n") + check_text(check, markup);
    return all;
  };
  print_as(format, {text, [&] { return check_csv_table(checks.front()); }, [&] { return check_json(checks); }});
}

void run_check(const Arguments& arguments, const Context& context) {
  const Format format = format_of(arguments.output.format);
  if (context.group() != nullptr) throw UsageError("--check is for one process, not under mpirun");
  if (!arguments.part.empty() || !arguments.part_file.empty()) throw UsageError("--part does not apply with --check");
  if (!arguments.output.rows.empty() || !arguments.quantiles.empty() || !arguments.tails.empty())
    throw UsageError("--rows, --quantiles and --tails do not apply with --check");
  if (format == Format::kCsv && arguments.models.specs.size() != 1) throw UsageError("--check takes one MODEL for csv");
  PruneOptions options;
  options.include = arguments.filters.include;
  options.exclude = arguments.filters.exclude;
  options.groups = groups_of(arguments.filters);
  const std::vector<Model> models = open_models(arguments.models, arguments.run.quiet, context);
  std::vector<ModelCheck> checks;
  std::size_t findings = 0;
  for (const Model& model : models) {
    ProgressLine progress("checking " + model.title, arguments.run.quiet);
    checks.push_back(check_model(model, options, progress.follow(context)));
    findings += checks.back().findings.size();
  }
  for (const Model& model : models) print_notes(model, arguments.run.quiet);
  print_checks(format, checks);
  if (arguments.strict && findings != 0)
    throw CheckFailed(fmt::format("{} finding{}", findings, findings == 1 ? "" : "s"));
}

void run(const Arguments& arguments, const Context& context) {
  if (arguments.check) return run_check(arguments, context);
  if (arguments.strict) throw UsageError("--strict requires --check");
  check_inspect_output(arguments.output);
  if (!arguments.part.empty()) return run_part(arguments, context);
  if (!arguments.part_file.empty()) throw UsageError("-o writes a part and requires --part");
  InspectOptions options = options_of(arguments);
  options.tensor_rows = shows_tensors(arguments.output);
  const std::vector<Model> models = open_models(arguments.models, arguments.run.quiet, context);
  std::vector<Inspection> inspections;
  for (const Model& model : models) {
    ProgressLine progress("inspecting " + model.title, arguments.run.quiet);
    inspections.push_back(inspect(model, options, progress.follow(context)));
  }
  if (!context.leads()) return;
  print_inspections(arguments.output, models, inspections, arguments.run.quiet);
}

void add_check(Command& command, Arguments& arguments) {
  command
      .add_flag("--check", arguments.check,
                "Check a sparse model instead of measuring it: N:M along the input axis,\n"
                "dead rows and columns, -0, NaN, leftover masks, config.json, pare.json")
      ->group("Check");
  command.add_flag("--strict", arguments.strict, "With --check: exit status 1 if anything is found")->group("Check");
}

void add_part(Command& command, Arguments& arguments) {
  command.add_option("--part", arguments.part, "Measure part K of N only, and write it to -o for pare merge")
      ->type_name("K/N")
      ->group("Part");
  command
      .add_option("--split", arguments.split,
                  "How --part divides the model: into equal shares of bytes (default),\n"
                  "by whole tensors, or by whole files")
      ->type_name("bytes|tensors|files")
      ->group("Part");
  add_output(command, arguments.part_file, arguments.force, "FILE", "Part to write");
}

}  // namespace inspect_command

void add_inspect_command(Command& program, const Context& context) {
  using namespace inspect_command;
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
  add_check(*command, *arguments);
  add_part(*command, *arguments);
  add_inspect_output(*command, arguments->output);
  add_running(*command, arguments->run);
  command->footer(kExamples);
  command->callback([arguments, context] { run(*arguments, context.with_threads(arguments->run.threads)); });
}

}  // namespace pare::cli
