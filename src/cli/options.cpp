#include "cli/options.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "cli/arguments.h"
#include "cli/progress.h"
#include "cli/streams.h"
#include "pare/error.h"
#include "pare/publish.h"

namespace pare::cli {

void add_models(Command& command, ModelArguments& arguments, bool several) {
  command
      .add_option("MODEL", arguments.specs,
                  "A directory, a checkpoint file, an index file, or a name on the\n"
                  "Hugging Face Hub; TITLE=MODEL, ENCODER+DECODER (see pare --help)")
      ->required()
      ->type_name("")
      ->expected(1, several ? 1 << 20 : 1);
  command.add_option("--as", arguments.options.as_class, "Read the checkpoint as this class, e.g. BertModel")
      ->type_name("CLASS")
      ->group("Model");
  command.add_option("--seed", arguments.options.seed, "Seed for randomly drawn weights and masks (default 0)")
      ->type_name("N")
      ->group("Model");
}

void add_measure(Command& command, MeasureArguments& arguments) {
  command.add_option("--cutoff", arguments.cutoff, "Cutoff above which |w| counts as large (default 0.1)")
      ->type_name("C")
      ->group("Measure");
  command
      .add_option("--measure", arguments.measure,
                  "magnitude: |w| > C (default); signed: outside [0, C), as\npublished by the study")
      ->type_name("magnitude|signed")
      ->group("Measure");
}

void add_format(Command& command, FormatArguments& arguments) {
  command.add_option("--format", arguments.format, "Output format (default table)")
      ->type_name("table|markdown|csv|json")
      ->group("Output");
  command.add_flag("--json", arguments.json, "Same as --format json")->group("Output");
}

void add_filters(Command& command, FilterArguments& arguments, const std::string& what) {
  command
      .add_option("--tensors", arguments.include,
                  fmt::format("{} only parameters whose name matches; repeatable", what))
      ->type_name("GLOB")
      ->allow_extra_args(false)
      ->group("Filters");
  command.add_option("--exclude", arguments.exclude, "Exclude parameters whose name matches; repeatable")
      ->type_name("GLOB")
      ->allow_extra_args(false)
      ->group("Filters");
  command
      .add_option("--group", arguments.groups,
                  fmt::format("{} only these groups: embedding, attention, attention.q (k, v,\no, qkv), "
                              "feed-forward, norm, bias, head, position-bias, other",
                              what))
      ->type_name("NAME,...")
      ->allow_extra_args(false)
      ->group("Filters");
}

void add_calibration_text(Command& command, TextArguments& arguments) {
  command
      .add_option("--data", arguments.data,
                  "Text to calibrate on; .jsonl: the \"text\" of each line; for encoder-\n"
                  "decoders .tsv with the columns source and target")
      ->type_name("FILE")
      ->group("Calibration");
  command.add_option("--sequences", arguments.sequences, "Number of windows, drawn with --seed (default 128)")
      ->type_name("N")
      ->range(1, 1 << 20)
      ->group("Calibration");
  command
      .add_option("--length", arguments.length, "Tokens of a window, as far as the model has positions (default 2048)")
      ->type_name("N")
      ->range(2, 1 << 20)
      ->group("Calibration");
}

void add_running(Command& command, RunArguments& arguments) {
  command.add_option("--threads", arguments.threads, "Number of threads (default: one per core)")
      ->type_name("N")
      ->range(1, 4096)
      ->group("Running");
  command.add_flag("-q,--quiet", arguments.quiet, "Suppress notes and progress")->group("Running");
}

void add_output(Command& command, std::string& path, bool& force, const std::string& type, const std::string& what) {
  command.add_option("-o,--output", path, what)->type_name(type)->group("Output");
  command.add_flag("--force", force, "Replace existing output written by pare")->group("Output");
}

void add_resume(Command& command, bool& resume) {
  command
      .add_flag("--resume", resume,
                "Keep what is finished if the run fails or is killed, and go on from\n"
                "where an earlier run with --resume and the same options ended")
      ->group("Output");
}

void add_levels(Command& command, std::vector<std::string>& levels, const std::string& help, bool file) {
  command.add_option("--levels", levels, help)
      ->type_name(file ? "P,...|FILE" : "P,...")
      ->allow_extra_args(false)
      ->group("Pruning");
}

void add_schedule(Command& command, std::string& scope, std::string& schedule) {
  command
      .add_option("--scope", scope,
                  "global: one threshold over all pruned tensors (default);\nper-tensor: the same share of each tensor")
      ->type_name("global|per-tensor")
      ->group("Pruning");
  command
      .add_flag_callback(
          "--local", [&scope] { scope = "per-tensor"; }, "Same as --scope per-tensor")
      ->group("Pruning");
  command
      .add_option("--schedule", schedule,
                  "independent: every level starts from the original weights (default);\n"
                  "accumulate: each level prunes its share of what the previous one left")
      ->type_name("independent|accumulate")
      ->group("Pruning");
}

std::size_t choose(std::string_view option, std::string_view value, const std::vector<std::string_view>& choices) {
  for (std::size_t i = 0; i < choices.size(); ++i)
    if (choices[i] == value) return i;
  throw UsageError(fmt::format("{}: '{}' is not one of {}", option, value, fmt::join(choices, ", ")));
}

Criterion parse_criterion(std::string_view option, std::string_view name) {
  constexpr Criterion kCriteria[] = {Criterion::kMagnitude, Criterion::kRandom, Criterion::kWanda,
                                     Criterion::kSparseGpt, Criterion::kAlps};
  std::vector<std::string_view> names;
  for (const Criterion criterion : kCriteria) names.push_back(criterion_name(criterion));
  return kCriteria[choose(option, name, names)];
}

CalibrationOptions calibration_of(const TextArguments& arguments, std::uint64_t seed) {
  CalibrationOptions options;
  options.data = arguments.data;
  if (arguments.sequences != 0) options.sequences = arguments.sequences;
  if (arguments.length != 0) options.length = arguments.length;
  options.seed = seed;
  return options;
}

Measure measure_of(const MeasureArguments& arguments) {
  if (!(arguments.cutoff >= 0) || std::isinf(arguments.cutoff))
    throw UsageError(fmt::format("--cutoff must be a finite number >= 0 (found {})", arguments.cutoff));
  return choose("--measure", arguments.measure, {"magnitude", "signed"}) == 0 ? Measure::kMagnitude : Measure::kSigned;
}

Format format_of(const FormatArguments& arguments) {
  if (arguments.json) return Format::kJson;
  return static_cast<Format>(choose("--format", arguments.format, {"table", "markdown", "csv", "json"}));
}

std::vector<Group> groups_of(const FilterArguments& arguments) {
  std::vector<Group> groups;
  for (const std::string& name : split("--group", arguments.groups)) try {
      const std::vector<Group> parsed = parse_groups(name);
      groups.insert(groups.end(), parsed.begin(), parsed.end());
    } catch (const Error& error) {
      throw UsageError(fmt::format("--group: {}", error.what()));
    }
  return groups;
}

std::vector<std::string> split(std::string_view option, const std::vector<std::string>& values) {
  std::vector<std::string> parts;
  for (const std::string& value : values)
    for (std::size_t begin = 0; begin <= value.size();) {
      const std::size_t end = std::min(value.find(',', begin), value.size());
      const std::size_t first = std::min(value.find_first_not_of(' ', begin), end);
      const std::size_t last = value.find_last_not_of(' ', end - 1);
      parts.push_back(first == end ? std::string() : value.substr(first, last + 1 - first));
      if (parts.back().empty()) throw UsageError(fmt::format("{}: '{}' has an empty entry", option, value));
      begin = end + 1;
    }
  return parts;
}

std::vector<double> numbers_of(std::string_view option, const std::vector<std::string>& values, double low,
                               double high) {
  std::vector<double> numbers;
  for (const std::string& text : split(option, values)) {
    double number = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failure != std::errc() || end != text.data() + text.size() || !(number >= low && number <= high))
      throw UsageError(std::isinf(high)
                           ? fmt::format("{0} must be a number >= {2} (found '{1}')", option, text, low)
                           : fmt::format("{}: '{}' is not a number from {} to {}", option, text, low, high));
    if (std::isinf(number)) throw UsageError(fmt::format("{}: '{}' is not finite", option, text));
    numbers.push_back(number);
  }
  return numbers;
}

std::vector<Amount> levels_of(const std::vector<std::string>& values, bool quiet) {
  std::vector<Amount> levels;
  for (const std::string& text : split("--levels", values)) try {
      levels.push_back(Amount::percent(text));
      const double fraction = levels.back().fraction;
      if (!quiet && text.back() != '%' && fraction > 0 && fraction < 0.01)
        print_note(fmt::format("--levels {0} means {0} %, not {1:g} %", text, fraction * 10'000));
    } catch (const Error& error) {
      throw UsageError(fmt::format("--levels: {}", error.what()));
    }
  return levels;
}

std::optional<std::string> levels_file(const std::vector<std::string>& values) {
  if (values.size() != 1) return std::nullopt;
  std::error_code ignored;
  const bool file = values[0].ends_with(".json") || std::filesystem::is_regular_file(values[0], ignored);
  if (!file) return std::nullopt;
  return values[0];
}

void set_levels(PruneOptions& options, const std::vector<std::string>& values, bool quiet) {
  if (const std::optional<std::string> file = levels_file(values))
    options.sets = read_levels(*file);
  else if (!values.empty())
    options.levels = levels_of(values, quiet);
}

Scope scope_of(std::string_view name) {
  if (name.empty()) return Scope::kGlobal;
  constexpr Scope kScopes[] = {Scope::kGlobal, Scope::kPerTensor};
  return kScopes[choose("--scope", name, {scope_name(kScopes[0]), scope_name(kScopes[1])})];
}

Schedule schedule_of(std::string_view name) {
  constexpr Schedule kSchedules[] = {Schedule::kIndependent, Schedule::kAccumulate};
  return kSchedules[choose("--schedule", name, {schedule_name(kSchedules[0]), schedule_name(kSchedules[1])})];
}

Model open_one_model(const std::string& spec, const ModelOptions& options, bool quiet, const Context& context) {
  ProgressLine progress("opening " + spec, quiet);
  return open_model(spec, options, progress.follow(context));
}

std::vector<Model> open_models(const ModelArguments& arguments, bool quiet, const Context& context) {
  std::vector<Model> models;
  models.reserve(arguments.specs.size());
  for (const std::string& spec : arguments.specs)
    models.push_back(open_one_model(spec, arguments.options, quiet, context));
  return models;
}

void print_notes(const Model& model, bool quiet) { print_notes(model.title, model.notes, quiet); }

void print_notes(const std::string& title, const std::vector<std::string>& notes, bool quiet) {
  if (quiet) return;
  for (const std::string& note : notes) print_note(title + ": " + note);
}

namespace {

void remove_leftovers_of(const std::string& path, bool quiet) {
  for (const std::filesystem::path& removed : remove_leftovers(path))
    if (!quiet) print_note(removed.string() + ": removed what a killed run left");
}

}  // namespace

void prepare_directory(const std::string& path, bool force, bool quiet, bool resume) {
  check_output_directory(path, force);
  if (!resume) remove_leftovers_of(path, quiet);
}

void prepare_file(const std::string& path, bool force, bool quiet) {
  check_output_file(path, force);
  remove_leftovers_of(path, quiet);
}

void prepare_apart(const std::string& path, const std::vector<Model>& models, bool quiet) {
  bool own = false;
  for (const Model& model : models) own |= check_output_apart(path, model);
  if (own && !quiet) print_note(path + ": holds the model that is read; it is replaced once the new one is complete");
}

void require_unchanged(const std::vector<Model>& models) {
  for (const Model& model : models) model.checkpoint.require_unchanged();
}

}  // namespace pare::cli
