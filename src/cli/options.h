// Options that several commands share, and how their values are read.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "pare/calibrate.h"
#include "pare/model.h"
#include "pare/prune.h"
#include "pare/stats.h"

namespace pare::cli {

class Command;

/// A usage error: exit status 2.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A check has printed its result and found something: one line on standard error, and exit status 1.
class CheckFailed : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

enum class Format : std::uint8_t { kTable, kMarkdown, kCsv, kJson };

struct ModelArguments {
  std::vector<std::string> specs;
  ModelOptions options;
};
struct MeasureArguments {
  double cutoff = 0.1;
  std::string measure = "magnitude";
};
struct FormatArguments {
  std::string format = "table";
  bool json = false;
};
struct FilterArguments {
  std::vector<std::string> include, exclude, groups;
};
struct PatternArguments {
  std::vector<std::string> patterns;
  std::string norm;
};
/// A text to calibrate on.
struct TextArguments {
  std::string data;
  std::uint64_t sequences = 0, length = 0;  ///< 0: not given
};
struct RunArguments {
  unsigned threads = 0;
  bool quiet = false;
};

void add_models(Command& command, ModelArguments& arguments, bool several);
void add_measure(Command& command, MeasureArguments& arguments);
void add_format(Command& command, FormatArguments& arguments);
void add_filters(Command& command, FilterArguments& arguments, const std::string& what);
/// --data, --sequences and --length.
void add_calibration_text(Command& command, TextArguments& arguments);
void add_running(Command& command, RunArguments& arguments);
/// A directory or file to write, and --force. `what` ends the help text of -o.
void add_output(Command& command, std::string& path, bool& force, const std::string& type, const std::string& what);
/// --resume, of commands that write many files or take long.
void add_resume(Command& command, bool& resume);
/// `file`: a file of levels is accepted as well.
void add_levels(Command& command, std::vector<std::string>& levels, const std::string& help, bool file = false);
void add_schedule(Command& command, std::string& scope, std::string& schedule);
/// --pattern and --norm; `several`: whether several patterns may be compared.
void add_pattern(Command& command, PatternArguments& arguments, bool several);

/// Index of `value` among `choices`. Throws UsageError naming the option and all choices.
std::size_t choose(std::string_view option, std::string_view value, const std::vector<std::string_view>& choices);
/// Throws UsageError naming the option.
Criterion parse_criterion(std::string_view option, std::string_view name);
CalibrationOptions calibration_of(const TextArguments& arguments, std::uint64_t seed);
Measure measure_of(const MeasureArguments& arguments);  ///< also checks the cutoff
Format format_of(const FormatArguments& arguments);
std::vector<Group> groups_of(const FilterArguments& arguments);
/// Numbers of repeated and comma-separated values, each in [low, high]. Throws UsageError.
std::vector<double> numbers_of(std::string_view option, const std::vector<std::string>& values, double low,
                               double high);
/// Repeated and comma-separated values as separate elements.
std::vector<std::string> split(std::string_view option, const std::vector<std::string>& values);

/// Levels in percent. Prints a note if one looks like a fraction.
std::vector<Amount> levels_of(const std::vector<std::string>& values, bool quiet);
/// The file that --levels names instead of percentages, if it does.
std::optional<std::string> levels_file(const std::vector<std::string>& values);
/// Sets the levels that --levels gives: percentages, or the sets of a file. Throws UsageError, Error.
void set_levels(PruneOptions& options, const std::vector<std::string>& values, bool quiet);
/// The requested patterns; empty if none was given. Throws UsageError for an invalid pattern and for a repeated one.
std::vector<Pattern> patterns_of(std::string_view option, const std::vector<std::string>& values);
Norm norm_of(const std::string& name);  ///< empty: L1
/// `options` once for each pattern (unchanged and once if there is none). Levels apply to the patterns that do not
/// imply a level. If no levels are given, such patterns use the levels that the other patterns imply. Throws UsageError
/// for options that do not go together: levels, a norm or --scope global that apply to no pattern.
std::vector<PruneOptions> with_patterns(const PruneOptions& options, const PatternArguments& arguments,
                                        std::string_view scope);
Scope scope_of(std::string_view name);  ///< empty: global
Schedule schedule_of(std::string_view name);

/// Opens a model and shows the progress of its download, if there is one, unless `quiet`.
Model open_one_model(const std::string& spec, const ModelOptions& options, bool quiet, const Context& context);
std::vector<Model> open_models(const ModelArguments& arguments, bool quiet, const Context& context);
/// Prints notes on a model to standard error, for output formats that programs read.
void print_notes(const Model& model, bool quiet);
void print_notes(const std::string& title, const std::vector<std::string>& notes, bool quiet);
/// Before any work: throws Error where check_output_directory() or check_output_file() does, and removes what killed
/// runs to the same output left, printing a note on each (unless this run shall `resume` one).
void prepare_directory(const std::string& path, bool force, bool quiet, bool resume = false);
void prepare_file(const std::string& path, bool force, bool quiet);
/// Once the models are open: throws Error where check_output_apart() does; a note if `path` is a model's own directory.
void prepare_apart(const std::string& path, const std::vector<Model>& models, bool quiet);
/// Throws Error if a file of one of the models has changed since it was opened, because the data read may be a mixture.
void require_unchanged(const std::vector<Model>& models);

}  // namespace pare::cli
