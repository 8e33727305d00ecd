// --pattern and the options that must match it.
#include <fmt/format.h>

#include <algorithm>

#include "cli/arguments.h"
#include "cli/options.h"
#include "pare/error.h"

namespace pare::cli {
namespace {

template <class Test>
bool none_of(const std::vector<Pattern>& patterns, const Test& test) {
  return std::none_of(patterns.begin(), patterns.end(), test);
}

bool fixes_level(const Pattern& pattern) { return pattern.level().has_value(); }

std::string list_of(const std::vector<Pattern>& patterns) {
  std::vector<std::string> names;
  for (const Pattern& pattern : patterns) names.push_back(pattern.text());
  return fmt::format("{}", fmt::join(names, ", "));
}

void require_fit(const PruneOptions& options, const std::vector<Pattern>& patterns, const PatternArguments& arguments,
                 std::string_view scope) {
  if (!arguments.norm.empty() && none_of(patterns, [](const Pattern& pattern) { return pattern.has_norm(); }))
    throw UsageError("--norm requires a --pattern of rows, columns or blocks");
  if (patterns.empty()) return;
  if (!options.levels.empty() && std::all_of(patterns.begin(), patterns.end(), fixes_level))
    throw UsageError(fmt::format("--pattern {} fixes the level at {} %, so --levels cannot be given", list_of(patterns),
                                 patterns.front().level()->label));
  if (scope == "global" && none_of(patterns, [](const Pattern& pattern) {
        return pattern.kind == Pattern::Kind::kBlocks || pattern == Pattern();
      }))
    throw UsageError(
        fmt::format("--pattern {} prunes per tensor and does not support --scope global", list_of(patterns)));
  if (options.criterion == Criterion::kRandom && patterns != std::vector{Pattern()})
    throw UsageError(
        fmt::format("--pattern {} supports magnitude pruning only, not --criterion random", list_of(patterns)));
  if (!options.sets.empty() && patterns != std::vector{Pattern()})
    throw UsageError("--pattern cannot be combined with a levels file");
}

}  // namespace

void add_pattern(Command& command, PatternArguments& arguments, bool several) {
  Option option =
      command.add_option("--pattern", arguments.patterns,
                         std::string("Weights pruned together: unstructured (default); N:M, e.g. 2:4: N of\n"
                                     "every M along the input axis remain (fixes the level); rows (outputs) or\n"
                                     "columns (inputs) per tensor; RxC, e.g. 1x8: blocks, outputs x inputs") +
                             (several ? ".\nSeveral patterns are scored side by side" : ""));
  option->type_name(several ? "PATTERN,..." : "PATTERN")->allow_extra_args(false)->group("Pruning");
  command.add_option("--norm", arguments.norm, "Norm that ranks rows, columns and blocks (default l1)")
      ->type_name("l1|l2|linf")
      ->group("Pruning");
}

std::vector<Pattern> patterns_of(std::string_view option, const std::vector<std::string>& values) {
  std::vector<Pattern> patterns;
  for (const std::string& text : split(option, values)) {
    try {
      patterns.push_back(Pattern::parse(text));
    } catch (const Error& error) {
      throw UsageError(fmt::format("{}: {}", option, error.what()));
    }
    if (std::count(patterns.begin(), patterns.end(), patterns.back()) > 1)
      throw UsageError(fmt::format("{}: {} is given twice", option, patterns.back().text()));
  }
  return patterns;
}

Norm norm_of(const std::string& name) {
  return name.empty() ? Norm::kL1 : static_cast<Norm>(choose("--norm", name, {"l1", "l2", "linf"}));
}

std::vector<PruneOptions> with_patterns(const PruneOptions& options, const PatternArguments& arguments,
                                        std::string_view scope) {
  const std::vector<Pattern> patterns = patterns_of("--pattern", arguments.patterns);
  require_fit(options, patterns, arguments, scope);
  PruneOptions common = options;
  if (!arguments.norm.empty()) common.norm = static_cast<Norm>(choose("--norm", arguments.norm, {"l1", "l2", "linf"}));
  if (common.levels.empty() && common.sets.empty()) common.levels = fixed_levels(patterns);
  std::vector<PruneOptions> all(std::max<std::size_t>(1, patterns.size()), common);
  for (std::size_t i = 0; i < patterns.size(); ++i) {
    all[i].pattern = patterns[i];
    if (fixes_level(patterns[i])) all[i].levels.clear();
  }
  return all;
}

}  // namespace pare::cli
