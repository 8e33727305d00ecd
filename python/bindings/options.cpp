#include "options.h"

#include <filesystem>

#include "pare/error.h"

namespace nb = nanobind;

namespace pare::python {
namespace {

using Strings = std::vector<std::string>;

const std::vector<Criterion> kCriteria = {Criterion::kMagnitude, Criterion::kRandom, Criterion::kWanda,
                                          Criterion::kSparseGpt, Criterion::kAlps};

template <class Enum, class NameOf>
Enum by_name(std::string_view what, const std::string& name, const std::vector<Enum>& values, NameOf name_of) {
  std::string known;
  for (const Enum value : values) {
    if (name_of(value) == name) return value;
    known += (known.empty() ? "" : ", ") + std::string(name_of(value));
  }
  throw Error(ErrorCode::kArgument, std::string(what) + ": '" + name + "' is not one of " + known);
}

/// Sets `value` if the dictionary names it.
template <class Enum, class NameOf>
void take_named(const nb::dict& options, const char* key, Enum& value, const std::vector<Enum>& values,
                NameOf name_of) {
  std::string name;
  take(options, key, name);
  if (!name.empty()) value = by_name(key, name, values, name_of);
}

Pattern pattern_of(const nb::dict& options) {
  std::string text;
  take(options, "pattern", text);
  return text.empty() ? Pattern() : Pattern::parse(text);
}

std::string_view kernels_name(KernelChoice choice) {
  constexpr std::string_view kNames[] = {"fastest", "dense", "sliced", "masked"};
  return kNames[static_cast<std::size_t>(choice)];
}

void take_scope(const nb::dict& options, Scope& scope, Schedule& schedule, Norm& norm) {
  take_named(options, "scope", scope, {Scope::kGlobal, Scope::kPerTensor},
             [](Scope value) { return scope_name(value); });
  take_named(options, "schedule", schedule, {Schedule::kIndependent, Schedule::kAccumulate}, schedule_name);
  take_named(options, "norm", norm, {Norm::kL1, Norm::kL2, Norm::kLInf}, norm_name);
}

std::vector<Amount> amounts_of(const nb::dict& options) {
  std::vector<Amount> amounts;
  Strings levels, counts;
  take(options, "levels", levels);
  take(options, "amounts", counts);
  for (const std::string& level : levels) amounts.push_back(Amount::percent(level));
  for (const std::string& amount : counts) amounts.push_back(Amount::pytorch(amount));
  return amounts;
}

}  // namespace

PruneOptions prune_options(const nb::dict& options) {
  PruneOptions pruning;
  pruning.levels = amounts_of(options);
  std::string sets;
  take(options, "sets", sets);
  if (!sets.empty()) pruning.sets = read_levels(sets);
  take_named(options, "criterion", pruning.criterion, kCriteria, criterion_name);
  take(options, "mask", pruning.mask);
  if (!pruning.mask.empty()) pruning.criterion = Criterion::kMask;
  take_scope(options, pruning.scope, pruning.schedule, pruning.norm);
  pruning.pattern = pattern_of(options);
  take(options, "refit", pruning.refit);
  take(options, "damping", pruning.damping);
  take(options, "block_size", pruning.block_size);
  take(options, "seed", pruning.seed);
  take(options, "include", pruning.include);
  take(options, "exclude", pruning.exclude);
  Strings groups;
  take(options, "groups", groups);
  for (const std::string& name : groups)
    for (const Group group : parse_groups(name)) pruning.groups.push_back(group);
  return pruning;
}

EvalOptions eval_options(const nb::dict& options) {
  EvalOptions eval;
  std::string task, data, prefix;
  take(options, "task", task);
  eval.task = parse_task(task);
  take(options, "data", data);
  eval.data = data;
  take(options, "limit", eval.limit);
  take_named(options, "protocol", eval.protocol, {Protocol::kHuggingFace, Protocol::kSparseGpt}, protocol_name);
  take(options, "context", eval.context);
  take(options, "stride", eval.stride);
  take(options, "text_column", eval.text_column);
  take(options, "pair_column", eval.pair_column);
  take(options, "label_column", eval.label_column);
  take(options, "source_column", eval.source_column);
  take(options, "target_column", eval.target_column);
  if (options.contains("prefix") && !nb::object(options["prefix"]).is_none())
    eval.prefix = nb::cast<std::string>(options["prefix"]);
  take(options, "pair_prefix", eval.pair_prefix);
  take(options, "label_words", eval.label_words);
  take(options, "beams", eval.generation.beams);
  take(options, "max_new_tokens", eval.generation.max_new_tokens);
  take(options, "length_penalty", eval.generation.length_penalty);
  take_named(options, "kernels", eval.kernels,
             {KernelChoice::kFastest, KernelChoice::kDense, KernelChoice::kSliced, KernelChoice::kMasked},
             kernels_name);
  return eval;
}

BenchOptions bench_options(const nb::dict& options) {
  BenchOptions bench;
  bench.pruning = prune_options(options);
  take(options, "sequences", bench.sequences);
  take(options, "length", bench.length);
  take(options, "context", bench.context);
  take(options, "steps", bench.steps);
  take(options, "runs", bench.runs);
  take(options, "sizes", bench.sizes);
  return bench;
}

CalibrationOptions calibration_of(const nb::dict& options, std::uint64_t seed) {
  CalibrationOptions calibration;
  std::string data;
  take(options, "data", data);
  calibration.data = data;
  std::string statistics;
  take(options, "statistics", statistics);
  calibration.statistics = statistics;
  take(options, "sequences", calibration.sequences);
  take(options, "length", calibration.length);
  take(options, "true_sequential", calibration.true_sequential);
  calibration.seed = seed;
  take_named(options, "allocation", calibration.allocation,
             {AllocationKind::kUniform, AllocationKind::kOwl, AllocationKind::kSecondOrder}, allocation_name);
  return calibration;
}

ReportOptions report_options(const nb::dict& options) {
  ReportOptions report;
  report.levels = amounts_of(options);
  take(options, "cutoff", report.cutoff);
  bool is_signed = false;
  take(options, "signed", is_signed);
  report.measure = is_signed ? Measure::kSigned : Measure::kMagnitude;
  take_scope(options, report.scope, report.schedule, report.norm);
  report.pattern = pattern_of(options);
  Strings patterns;
  take(options, "compared_patterns", patterns);
  for (const std::string& text : patterns) report.compared_patterns.push_back(Pattern::parse(text));
  Strings criteria;
  take(options, "compared_criteria", criteria);
  for (const std::string& name : criteria)
    report.compared_criteria.push_back(by_name("compare_criteria", name, kCriteria, criterion_name));
  std::uint64_t seed = 0;
  take(options, "seed", seed);
  report.calibration = calibration_of(options, seed);
  std::vector<nb::dict> evals;
  take(options, "evals", evals);
  for (const nb::dict& eval : evals) report.evals.push_back(eval_options(eval));
  if (options.contains("bench")) report.bench = bench_options(nb::cast<nb::dict>(options["bench"]));
  take(options, "keep_models", report.keep_models);
  take(options, "force", report.force);
  return report;
}

}  // namespace pare::python
