// pare mask: which weights of a sparse model are kept, as a file, and how two masks differ.
#include <fmt/format.h>

#include <memory>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/print_as.h"
#include "cli/progress.h"
#include "cli/streams.h"
#include "pare/json.h"
#include "pare/mask_file.h"
#include "pare/results.h"

namespace pare::cli {
namespace mask_command {

constexpr const char* kExamples = R"(Examples:
  pare mask save ./pruned -o mask.safetensors
      which weights of the matrices are not zero; safetensors.torch.load_file() reads it
  pare prune ./finetuned -o again --mask mask.safetensors
      prunes the same weights of another model of the same shape
  pare mask compare ./wanda ./sparsegpt
      how far two pruned models, or two mask files, keep the same weights, by layer
  pare mask compare mask.safetensors ./pruned --rows tensors --json
      the same by tensor, of a mask file and a model; json always contains everything

A mask file has a BOOL tensor for each matrix: 1 for a weight that is kept, 0 for one that is zero.
)";

struct Arguments {
  std::string action, output, rows = "layers";
  ModelArguments models;
  FilterArguments filters;
  FormatArguments format;
  RunArguments run;
  bool force = false;
};

void save(const Arguments& arguments, const Context& context) {
  if (arguments.models.specs.size() != 1) throw UsageError("save takes one MODEL");
  if (arguments.output.empty()) throw UsageError("save requires -o, the file to write the mask to");
  PruneOptions options;
  options.include = arguments.filters.include;
  options.exclude = arguments.filters.exclude;
  options.groups = groups_of(arguments.filters);
  prepare_file(arguments.output, arguments.force, arguments.run.quiet);
  const std::vector<Model> models = open_models(arguments.models, arguments.run.quiet, context);
  const Model& model = models.front();
  check_output_apart(arguments.output, model);
  print_notes(model, arguments.run.quiet);
  std::uint64_t zeros = 0;
  {
    ProgressLine progress("writing " + arguments.output, arguments.run.quiet);
    zeros = write_mask(model, options, arguments.output, arguments.force, progress.follow(context));
  }
  if (zeros == 0 && !arguments.run.quiet) print_note(model.title + ": no weight is zero, so the mask keeps them all");
}

void compare(const Arguments& arguments, const Context& context) {
  if (arguments.models.specs.size() != 2) throw UsageError("compare takes two mask files or models");
  if (!arguments.output.empty() || arguments.force) throw UsageError("-o and --force are for save");
  const FilterArguments& filters = arguments.filters;
  if (!filters.include.empty() || !filters.exclude.empty() || !filters.groups.empty())
    throw UsageError("--tensors, --exclude and --group are for save");
  const Format format = format_of(arguments.format);
  const bool by_tensor = choose("--rows", arguments.rows, {"layers", "tensors"}) == 1;
  MaskComparison comparison;
  {
    ProgressLine progress("comparing masks", arguments.run.quiet);
    comparison = compare_masks(arguments.models.specs[0], arguments.models.specs[1], arguments.models.options,
                               progress.follow(context));
  }
  print_as(format, {[&](Markup markup) { return mask_text(comparison, markup, by_tensor); },
                    [&] { return mask_csv_table(comparison); }, [&] { return mask_json(comparison); }});
}

void run(const Arguments& arguments, const Context& context) {
  if (choose("ACTION", arguments.action, {"save", "compare"}) == 0)
    save(arguments, context);
  else
    compare(arguments, context);
}

}  // namespace mask_command

void add_mask_command(Command& program, const Context& context) {
  using namespace mask_command;
  Command command = program.add_subcommand("mask", "Save which weights are kept, and compare such masks");
  const auto arguments = std::make_shared<Arguments>();
  command
      ->add_option("ACTION", arguments->action,
                   "save: write the mask of a sparse model;\ncompare: two mask files or models")
      ->required()
      ->type_name("");
  add_models(*command, arguments->models, true);
  add_filters(*command, arguments->filters, "Save");
  add_output(*command, arguments->output, arguments->force, "FILE", "Mask file to write, for save");
  command->add_option("--rows", arguments->rows, "Rows of the comparison: layers (default) or tensors")
      ->type_name("layers|tensors")
      ->group("Output");
  add_format(*command, arguments->format);
  add_running(*command, arguments->run);
  command->footer(kExamples);
  command->callback([arguments, context] { run(*arguments, context.with_threads(arguments->run.threads)); });
}

}  // namespace pare::cli
