// pare prune: pruned checkpoints that from_pretrained loads.
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <system_error>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/print_as.h"
#include "cli/progress.h"
#include "cli/streams.h"
#include "pare/bench.h"
#include "pare/calibrate.h"
#include "pare/error.h"
#include "pare/json.h"
#include "pare/mask_file.h"
#include "pare/prune.h"
#include "pare/results.h"

namespace pare::cli {
namespace prune_command {

constexpr const char* kExamples = R"(Examples:
  pare prune gpt2 -o pruned --levels 10,50,90,95,99
      five checkpoints, pruned/sparsity-10 to pruned/sparsity-99, each from the original weights
  pare prune ./model -o half --amount 0.5 --scope per-tensor
      half of every matrix, into ./half itself, as torch.nn.utils.prune.l1_unstructured
  pare prune ./model --levels 90 --tensors '*.mlp.*' --dry-run
      what would go of the feed-forward weights; writes nothing
  pare prune ./model -o half --levels levels.json
      a level for each layer, as pare sensitivity ./model --target 50 --write levels.json found it
  pare prune ./model -o half --pattern 2:4
      of every 4 weights that an output takes one after another, the 2 smallest
  pare prune ./model -o narrow --levels 25,50 --pattern rows --norm l2
      whole outputs, as torch.nn.utils.prune.ln_structured; blocks: --pattern 4x4, 1x8
  pare prune ./model -o random --levels 50 --criterion random --seed 7
      half of the weights, drawn at random
  pare prune ./model -o half --criterion alps --data text.txt --levels 50
      half of every layer's weights, by what it computes on a text; the others make up for those that go
  pare prune ./model -o half --criterion alps --data text.txt --levels 50 --allocation second-order
      the same in all, but less of the layers whose weights matter more
  pare prune ./model -o pruned --criterion alps --statistics statistics.safetensors --levels 50,60,70
      by statistics that pare calibrate has saved, without running the model
  mpirun -n 4 pare prune ./model -o half --criterion alps --data text.txt --levels 50
      four processes share the text and the layers (docs/clusters.md)
  pare prune ./model -o half --levels 50 --save-mask mask.safetensors
  pare prune ./finetuned -o half-again --mask mask.safetensors
      the same weights again, after finetuning; pare mask compares masks

Without --tensors and --group the weight matrices of Linear and Conv1D layers are pruned:
no embeddings, norms, biases, nor a head tied to an embedding.
)";

struct CalibrationArguments : TextArguments {
  std::string allocation, allocation_out, statistics;
  std::vector<std::string> damping;
  unsigned block_size = 0;
  bool refit = false, whole_layers = false;
};

struct Arguments {
  ModelArguments models;
  FilterArguments filters;
  FormatArguments format;
  RunArguments run;
  PatternArguments pattern;
  CalibrationArguments calibration;
  std::string output, scope, criterion = "magnitude", schedule = "independent";
  std::string mask, mask_out;
  std::vector<std::string> levels, amounts;
  bool force = false, resume = false, dry_run = false;
};

std::vector<Amount> amounts_of(const Arguments& arguments) {
  std::vector<Amount> amounts;
  for (const std::string& text : split("--amount", arguments.amounts)) try {
      amounts.push_back(Amount::pytorch(text));
    } catch (const Error& error) {
      throw UsageError(fmt::format("--amount: {}", error.what()));
    }
  return amounts;
}

/// Statistics say all that a text says.
void check_statistics(const Arguments& arguments, bool text) {
  if (text) throw UsageError("--data, --sequences and --length do not apply with --statistics, which replace a text");
  if (arguments.resume) throw UsageError("--resume does not apply with --statistics");
  if (arguments.calibration.whole_layers) throw UsageError("--no-true-sequential does not apply with --statistics");
  if (arguments.calibration.allocation == allocation_name(AllocationKind::kSecondOrder))
    throw UsageError("--allocation second-order runs the model, so it requires --data in place of --statistics");
}

/// Also checks the options that go with it.
Criterion criterion_of(const Arguments& arguments) {
  const Criterion criterion = parse_criterion("--criterion", arguments.criterion);
  const CalibrationArguments& calibration = arguments.calibration;
  const bool text = !calibration.data.empty() || calibration.sequences != 0 || calibration.length != 0;
  if (is_calibrated(criterion) || calibration.refit) {
    if (calibration.statistics.empty() && calibration.data.empty())
      throw UsageError(fmt::format("{} requires --data, a text to calibrate on, or --statistics",
                                   is_calibrated(criterion) ? "--criterion " + arguments.criterion : "--refit"));
    if (!arguments.scope.empty() && is_calibrated(criterion))
      throw UsageError(fmt::format("--scope does not apply to --criterion {}", arguments.criterion));
    if (!calibration.statistics.empty()) check_statistics(arguments, text);
  } else if (text || !calibration.statistics.empty() || calibration.whole_layers) {
    throw UsageError(fmt::format(
        "--data, --sequences, --length, --statistics and --no-true-sequential do not apply to --criterion {}",
        arguments.criterion));
  }
  if (!calibration.allocation.empty() && !is_calibrated(criterion))
    throw UsageError(fmt::format("--allocation does not apply to --criterion {}", arguments.criterion));
  return criterion;
}

AllocationKind allocation_of(const Arguments& arguments) {
  constexpr AllocationKind kKinds[] = {AllocationKind::kUniform, AllocationKind::kOwl, AllocationKind::kSecondOrder};
  if (arguments.calibration.allocation.empty()) return AllocationKind::kUniform;
  std::vector<std::string_view> names;
  for (const AllocationKind kind : kKinds) names.push_back(allocation_name(kind));
  return kKinds[choose("--allocation", arguments.calibration.allocation, names)];
}

/// Throws before any work where --allocation-out cannot be written.
void check_allocation_out(const Arguments& arguments, const PruneOptions& options) {
  const std::string& path = arguments.calibration.allocation_out;
  if (path.empty()) return;
  if (allocation_of(arguments) == AllocationKind::kUniform || options.levels.size() != 1)
    throw UsageError("--allocation-out takes one level, and requires --allocation owl or second-order");
  prepare_file(path, arguments.force, arguments.run.quiet);
}

/// --damping and --block-size, where they have an effect.
void set_settings(PruneOptions& options, const CalibrationArguments& arguments) {
  const bool columns = options.criterion == Criterion::kSparseGpt;
  if (!arguments.damping.empty()) {
    if (!columns && options.criterion != Criterion::kAlps && !arguments.refit)
      throw UsageError("--damping requires --criterion sparsegpt or alps, or --refit");
    const std::vector<double> numbers = numbers_of("--damping", arguments.damping, 1e-8, 1);
    if (numbers.size() > 1) throw UsageError("--damping takes one number");
    options.damping = numbers.front();
  }
  if (arguments.block_size == 0) return;
  if (!columns) throw UsageError("--block-size requires --criterion sparsegpt");
  options.block_size = arguments.block_size;
}

/// Whether layers are pruned on a text, one after the other.
bool calibrates(const PruneOptions& options) { return is_calibrated(options.criterion) || options.refit; }

/// The file in which --resume keeps finished layers, beside the output.
std::filesystem::path finished_layers_of(const Arguments& arguments) {
  std::string path = arguments.output;
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path + ".pare-resume";
}

/// "calibration ran at 52 GFLOP/s for 31 s, 30 % of the 173 GFLOP/s that the same threads reach in registers"
void print_speed(const CalibrationSpeed& speed, const Context& context) {
  constexpr double kWorthTelling = 2;  // seconds; measuring takes a tenth
  if (speed.seconds < kWorthTelling || !context.leads()) return;
  const double flops = speed.operations / speed.seconds, peak = measure_flops(context);
  print_note(
      fmt::format("calibration ran at {:.3g} GFLOP/s for {:.3g} s, {:.0f} % of the {:.3g} GFLOP/s that the same "
                  "threads reach in registers",
                  flops / 1e9, speed.seconds, 100 * flops / peak, peak / 1e9));
}

PrunePlan plan_of(const Model& model, const PruneOptions& options, const Arguments& arguments, const Context& context) {
  if (!calibrates(options)) return plan_pruning(model, options, context);
  CalibrationOptions calibration = calibration_of(arguments.calibration, arguments.models.options.seed);
  calibration.allocation = allocation_of(arguments);
  calibration.statistics = arguments.calibration.statistics;
  calibration.true_sequential = !arguments.calibration.whole_layers;
  if (arguments.resume) calibration.resume = finished_layers_of(arguments);
  calibration.tell_resume = [&](const std::string& sentence) {
    if (!arguments.run.quiet) print_note(sentence);
  };
  std::optional<CalibrationSpeed> speed;
  calibration.tell_speed = [&](const CalibrationSpeed& told) { speed = told; };
  PrunePlan plan = [&] {
    ProgressLine progress(calibration.statistics.empty() ? "calibrating" : "pruning", arguments.run.quiet);
    return plan_calibrated(model, options, calibration, progress.follow(context));
  }();
  if (speed && !arguments.run.quiet) print_speed(*speed, context);
  return plan;
}

/// A mask says all that these options say.
void check_mask(const Arguments& arguments) {
  if (arguments.mask.empty()) return;
  const auto refuse = [](std::string_view option) {
    throw UsageError(fmt::format("{} does not apply with --mask, which says what is pruned", option));
  };
  if (!arguments.levels.empty()) refuse("--levels");
  if (!arguments.amounts.empty()) refuse("--amount");
  if (!arguments.pattern.patterns.empty()) refuse("--pattern");
  if (!arguments.pattern.norm.empty()) refuse("--norm");
  if (!arguments.scope.empty()) refuse("--scope");
  if (arguments.criterion != "magnitude") refuse("--criterion");
  if (arguments.schedule != "independent") refuse("--schedule");
}

/// Throws before any work where --save-mask cannot be written.
void check_mask_out(const Arguments& arguments, const PruneOptions& options) {
  if (arguments.mask_out.empty()) return;
  if (options.levels.size() > 1) throw UsageError("--save-mask takes one level");
  if (arguments.dry_run) throw UsageError("--save-mask writes a file, and --dry-run writes nothing");
  prepare_file(arguments.mask_out, arguments.force, arguments.run.quiet);
}

PruneOptions options_of(const Arguments& arguments) {
  check_mask(arguments);
  const std::vector<Pattern> patterns = patterns_of("--pattern", arguments.pattern.patterns);
  if (patterns.size() > 1) throw UsageError("--pattern takes one pattern here");
  const bool fixed = !patterns.empty() && patterns.front().level();
  if (arguments.levels.empty() == arguments.amounts.empty() && !(fixed && arguments.levels.empty()) &&
      arguments.mask.empty())
    throw UsageError("give either --levels (percent) or --amount (fraction or count)");
  PruneOptions options;
  options.levels = amounts_of(arguments);
  set_levels(options, arguments.levels, arguments.run.quiet);
  options.criterion = criterion_of(arguments);
  if (!arguments.mask.empty()) options.criterion = Criterion::kMask;
  options.mask = arguments.mask;
  options.refit = arguments.calibration.refit;
  set_settings(options, arguments.calibration);
  options.scope = scope_of(arguments.scope);
  options.schedule = schedule_of(arguments.schedule);
  options.seed = arguments.models.options.seed;
  options.include = arguments.filters.include;
  options.exclude = arguments.filters.exclude;
  options.groups = groups_of(arguments.filters);
  return with_patterns(options, arguments.pattern, arguments.scope).front();
}

void add_calibration(Command& command, CalibrationArguments& arguments) {
  command
      .add_option("--allocation", arguments.allocation,
                  "How a level is divided among the linears of layers.\n"
                  "uniform: the same for each (default); owl: less of layers with outliers;\n"
                  "second-order: less of linears that change predictions more; slower")
      ->type_name("uniform|owl|second-order")
      ->group("Calibration");
  command
      .add_option("--allocation-out", arguments.allocation_out,
                  "Write the level of each linear to FILE, for --levels FILE")
      ->type_name("FILE")
      ->group("Calibration");
  command.add_flag("--refit", arguments.refit, "Fit the weights that remain to what each linear computed before")
      ->group("Calibration");
  add_calibration_text(command, arguments);
  command
      .add_flag("--no-true-sequential", arguments.whole_layers,
                "Prune the linears of a layer together, on what it computes before, as\n"
                "the methods' published code does by default; takes longer")
      ->group("Calibration");
  command
      .add_option("--damping", arguments.damping,
                  "sparsegpt, alps, --refit: added to the inputs' products, as a share of\n"
                  "the mean of their diagonal (default 0.01; SparseGPT's percdamp)")
      ->type_name("SHARE")
      ->group("Calibration");
  command
      .add_option("--block-size", arguments.block_size,
                  "sparsegpt: columns among which weights are chosen (default 128;\nSparseGPT's blocksize)")
      ->type_name("N")
      ->range(1, 1 << 20)
      ->group("Calibration");
  command
      .add_option("--statistics", arguments.statistics,
                  "In place of --data: what the linears of this model read, as pare\n"
                  "calibrate wrote it; for any criterion and level")
      ->type_name("FILE")
      ->group("Calibration");
}

/// Two levels with the same directory would overwrite each other.
void check_distinct(const std::vector<std::string>& directories) {
  std::set<std::string> seen;
  for (const std::string& directory : directories)
    if (!seen.insert(directory).second) throw UsageError(fmt::format("two levels would be written to {}", directory));
}

void run(const Arguments& arguments, const Context& context) {
  const Format format = format_of(arguments.format);
  const PruneOptions options = options_of(arguments);
  if (context.group() != nullptr && !(arguments.mask.empty() && arguments.mask_out.empty()))
    throw UsageError("--mask and --save-mask are for one process, not under mpirun");
  if (context.group() != nullptr && !arguments.calibration.statistics.empty())
    throw UsageError("--statistics is for one process, not under mpirun");
  const bool writes = !arguments.output.empty() && !arguments.dry_run;
  if (!writes && !arguments.dry_run && arguments.mask_out.empty())
    throw UsageError("-o is required (output directory), or --dry-run");
  if (arguments.resume && !writes) throw UsageError("--resume requires -o, and no --dry-run");
  check_allocation_out(arguments, options);
  check_mask_out(arguments, options);
  const bool keeps_files = arguments.resume && !calibrates(options);
  if (writes) prepare_directory(arguments.output, arguments.force, arguments.run.quiet, keeps_files);
  const std::vector<Model> models = open_models(arguments.models, arguments.run.quiet, context);
  const Model& model = models.front();
  if (!arguments.output.empty()) prepare_apart(arguments.output, models, arguments.run.quiet);
  if (!arguments.mask_out.empty()) check_output_apart(arguments.mask_out, model);
  const PrunePlan plan = plan_of(model, options, arguments, context);
  if (format == Format::kCsv || format == Format::kJson) {
    print_notes(model, arguments.run.quiet);
    print_notes(model.title, plan.notes, arguments.run.quiet);
  }
  std::vector<std::string> directories(plan.levels.size());
  if (writes) {
    for (std::size_t i = 0; i < directories.size(); ++i)
      directories[i] = level_directory(plan, i, arguments.output).string();
    check_distinct(directories);
  }
  // The summary is made before writing, because an interrupt after the output is in place must not be a failure.
  const PruneSummary summary = summarize(model, plan, std::move(directories), context);
  if (writes) {
    ProgressLine progress("writing " + arguments.output, arguments.run.quiet);
    write_pruned(model, plan, arguments.output, {arguments.force, keeps_files}, progress.follow(context));
  }
  std::error_code ignored;  // what is left is not used by another command
  if (arguments.resume && calibrates(options)) std::filesystem::remove(finished_layers_of(arguments), ignored);
  if (!context.leads()) return;
  // Without the stop flag, because an interrupt after the output is in place must not be a failure.
  if (!arguments.mask_out.empty())
    write_mask(model, plan, 0, arguments.mask_out, arguments.force, writes ? Context(arguments.run.threads) : context);
  if (const std::string& path = arguments.calibration.allocation_out; !path.empty())
    write_levels(plan.levels.front().sets, path, arguments.force);
  print_as(format, {[&](Markup markup) { return prune_text(summary, markup, arguments.dry_run); },
                    [&] { return prune_csv_table(summary, arguments.dry_run); }, [&] { return prune_json(summary); }});
}

}  // namespace prune_command

void add_prune_command(Command& program, const Context& context) {
  using namespace prune_command;
  Command command = program.add_subcommand("prune", "Write pruned checkpoints that from_pretrained loads");
  const auto arguments = std::make_shared<Arguments>();
  add_models(*command, arguments->models, false);
  add_levels(*command, arguments->levels,
             "Percentages to prune, one checkpoint per level; or a levels file\n(pare sensitivity --write), with a "
             "level for each set",
             true);
  command
      ->add_option("--amount", arguments->amounts,
                   "Alternative to --levels: PyTorch's amount, a fraction (0.5) or a count")
      ->type_name("A,...")
      ->allow_extra_args(false)
      ->group("Pruning");
  command
      ->add_option("--criterion", arguments->criterion,
                   "magnitude: prune the smallest |w| (default); random: drawn with --seed.\nOn --data: "
                   "wanda: the smallest |w| times the norm of its input;\n"
                   "sparsegpt: column by column, and the other weights make up for it;\n"
                   "alps: by ADMM on each linear's error; better and slower")
      ->type_name("magnitude|random|wanda|sparsegpt|alps")
      ->group("Pruning");
  add_schedule(*command, arguments->scope, arguments->schedule);
  add_pattern(*command, arguments->pattern, false);
  command
      ->add_option("--mask", arguments->mask,
                   "Prune what this mask file prunes (--save-mask, pare mask save), or what\n"
                   "is zero in this other model")
      ->type_name("FILE|MODEL")
      ->group("Pruning");
  add_calibration(*command, arguments->calibration);
  add_filters(*command, arguments->filters, "Prune");
  add_output(*command, arguments->output, arguments->force, "DIR",
             "Output directory; with several levels, DIR/sparsity-LEVEL for each");
  add_resume(*command, arguments->resume);
  command
      ->add_option("--save-mask", arguments->mask_out,
                   "Write which weights are kept to FILE, a safetensors file of bools;\n-o may then be left out")
      ->type_name("FILE")
      ->group("Output");
  command->add_flag("--dry-run", arguments->dry_run, "Print what would be pruned by tensor, and write nothing")
      ->group("Output");
  add_format(*command, arguments->format);
  add_running(*command, arguments->run);
  command->footer(kExamples);
  command->callback([arguments, context] { run(*arguments, context.with_threads(arguments->run.threads)); });
}

}  // namespace pare::cli
