#include "report/study.h"

#include <algorithm>
#include <cctype>
#include <chrono>
#include <map>
#include <set>
#include <utility>

#include "base/parallel.h"
#include "pare/error.h"
#include "report/study_eval.h"
#include "report/study_methods.h"
#include "report/study_patterns.h"
#include "table/inspect_tables.h"

namespace pare::report {
namespace {

constexpr double kHistogramEnd = 5;
constexpr std::size_t kHistogramBins = 50;
constexpr std::uint64_t kLargeTensor = 1 << 22;  // elements
constexpr std::size_t kLongestSlug = 80;

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

template <class Work>
auto timed(Study& study, std::string step, Work work) {
  const auto start = std::chrono::steady_clock::now();
  auto result = work();
  study.steps.push_back({std::move(step), seconds_since(start)});
  return result;
}

/// One histogram for each tensor. All threads share a large tensor; a small one is processed by a single thread.
std::vector<Histogram> tensor_histograms(const std::vector<TensorView>& tensors, const ReportOptions& options,
                                         const Context& context) {
  std::vector<Histogram> histograms(tensors.size());
  std::vector<std::size_t> small;
  const auto fill = [&](std::size_t i, const Context& own) {
    histograms[i] = histogram({&tensors[i], 1}, options.measure, 0, kHistogramEnd, kHistogramBins, own);
  };
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (tensors[i].elements() < kLargeTensor)
      small.push_back(i);
    else
      fill(i, context);
  }
  const Context one_thread = context.with_threads(1);
  base::parallel_for(small.size(), context, [&](std::size_t i, unsigned) { fill(small[i], one_thread); });
  return histograms;
}

std::string layer_name(const InspectRow& row) {
  if (row.layer < 0) return "outside any layer";
  return (row.stack.empty() ? "" : row.stack + ' ') + "layer " + std::to_string(row.layer);
}

std::vector<LayerSparsity> sparsity_by_layer(const Study& study) {
  std::map<std::string, std::size_t> stack_rank;  // "encoder" before "decoder", as the model has them
  std::map<std::pair<std::size_t, int>, LayerSparsity> layers;
  for (std::size_t i = 0; i < study.inspection.tensors.size(); ++i) {
    const InspectRow& row = study.inspection.tensors[i];
    const std::size_t rank = stack_rank.emplace(row.stack, stack_rank.size()).first->second;
    if (!study.pruned[i]) continue;
    const bool outside = row.layer < 0;
    LayerSparsity& layer = layers[outside ? std::pair(SIZE_MAX, -1) : std::pair(rank, row.layer)];
    layer.name = layer_name(row);
    layer.stack = outside ? "" : row.stack;
    layer.layer = row.layer;
    layer.members.push_back(i);
    layer.levels.resize(study.plan.levels.size());
    for (std::size_t level = 0; level < study.plan.levels.size(); ++level) {
      const Share tensor = study.tensor_sparsity(level, i);
      layer.levels[level].part += tensor.part;
      layer.levels[level].whole += tensor.whole;
    }
  }
  std::vector<LayerSparsity> result;
  for (auto& [key, layer] : layers) result.push_back(std::move(layer));
  return result;
}

std::vector<bool> pruned_flags(const Model& model, const Inspection& inspection, const PrunePlan& plan) {
  std::set<std::string> names;
  for (const std::size_t parameter : plan.parameters) names.insert(model.parameters[parameter].name);
  std::vector<bool> flags;
  for (const InspectRow& row : inspection.tensors) flags.push_back(names.count(row.name) != 0);
  return flags;
}

PruneOptions prune_options(const ReportOptions& options) {
  PruneOptions pruning;
  if (!options.pattern.level()) pruning.levels = options.levels;
  pruning.pattern = options.pattern;
  pruning.norm = options.norm;
  pruning.scope = options.scope;
  pruning.schedule = options.schedule;
  return pruning;
}

/// Times all levels. If a model cannot be timed, the reason is stored and the rest of its study continues.
void add_bench(Study& study, const ReportOptions& options, const Context& context) {
  BenchOptions timing = *options.bench;
  timing.pruning = prune_options(options);
  const auto start = std::chrono::steady_clock::now();
  try {
    study.bench = measure_speed(*study.model, timing, context);
  } catch (const Error& error) {
    study.bench_left_out = error.what();
  }
  study.steps.push_back({"size and run time", seconds_since(start)});
}

/// A title's characters that are safe in any file system and need no escaping in a link.
std::string slug(const std::string& title) {
  std::string result;
  for (const char c : title) {
    const bool safe = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '_' || c == '-';
    if (safe)
      result += c;
    else if (!result.empty() && result.back() != '-')
      result += '-';
  }
  result.erase(0, std::min(result.find_first_not_of(".-"), result.size()));
  result.resize(std::min(result.size(), kLongestSlug));
  result.erase(result.find_last_not_of(".-") + 1);
  return result.empty() ? "model" : result;
}

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

}  // namespace

Share Study::before() const { return table::share_of(inspection.overall.stats, inspection.options.measure); }

Share Study::after(std::size_t level) const { return {levels[level].big, inspection.overall.stats.count}; }

Share Study::sparsity(std::size_t level) const { return {plan.levels[level].zeros, plan.candidates}; }

Share Study::tensor_sparsity(std::size_t level, std::size_t tensor) const {
  return {levels[level].tensors[tensor].zeros, inspection.tensors[tensor].stats.count};
}

std::vector<std::string> file_slugs(const std::vector<std::string>& titles) {
  std::vector<std::string> slugs;
  std::set<std::string> taken;
  for (const std::string& title : titles) {
    const std::string base = slug(title);
    std::string name = base;
    for (int number = 2; !taken.insert(lower(name)).second; ++number) name = base + '-' + std::to_string(number);
    slugs.push_back(name);
  }
  return slugs;
}

Study make_study(const Model& model, const ReportOptions& options, const Context& context) {
  const Context silent = context.with_progress({});
  // Shares of the time after which everything is measured, and after which everything is scored.
  const bool compares = !options.compared_patterns.empty() || !options.compared_criteria.empty();
  const double scored = !options.bench ? 1 : options.evals.empty() && !compares ? 0.05 : 0.6;
  const double measuring = options.evals.empty() ? scored : 0.05;
  Study study;
  study.model = &model;
  InspectOptions inspecting;
  inspecting.cutoff = options.cutoff;
  inspecting.measure = options.measure;
  study.inspection =
      timed(study, "measure", [&] { return inspect(model, inspecting, context.part(0, 0.3 * measuring)); });
  const std::vector<TensorView> tensors = measured_tensors(model);
  const std::vector<Histogram> histograms =
      timed(study, "histogram", [&] { return tensor_histograms(tensors, options, silent); });
  for (const Histogram& part : histograms) add_histogram(study.histogram, part);
  context.report(0.5 * measuring);
  study.sketches = timed(study, "sketch", [&] { return magnitude_sketch(tensors, silent); });
  context.report(0.6 * measuring);
  study.plan = timed(study, "plan all levels", [&] { return plan_pruning(model, prune_options(options), silent); });
  context.report(0.9 * measuring);
  study.pruned = pruned_flags(model, study.inspection, study.plan);
  for (std::size_t i = 0; i < histograms.size(); ++i)
    if (study.pruned[i]) add_histogram(study.pruned_histogram, histograms[i]);
  study.levels = timed(study, "figures after pruning",
                       [&] { return figures_after(model, study.inspection, histograms, study.plan, silent); });
  study.layers = sparsity_by_layer(study);
  // Scoring takes the rest of the time, including the patterns.
  const double methods = options.compared_criteria.empty() ? 0 : 0.6 * (scored - measuring);
  const double patterns = options.compared_patterns.empty() ? 0 : 0.4 * (scored - methods - measuring);
  if (!options.evals.empty()) {
    study.tasks = timed(study, "score all levels", [&] {
      return task_curves(model, study.plan, options.evals, context.part(measuring, scored - methods - patterns));
    });
  }
  if (!options.compared_patterns.empty()) {
    study.patterns = timed(study, "compare patterns", [&] {
      return compare_patterns(study, options, options.evals,
                              context.part(scored - methods - patterns, scored - methods));
    });
  }
  if (!options.compared_criteria.empty()) {
    study.methods = timed(study, "compare criteria",
                          [&] { return compare_methods(study, options, context.part(scored - methods, scored)); });
  }
  if (options.bench) add_bench(study, options, context.part(scored, 1));
  context.report(1);
  return study;
}

}  // namespace pare::report
