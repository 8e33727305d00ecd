#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "pare/error.h"
#include "pare/prune.h"
#include "prune/cuts.h"

namespace pare {
namespace {

using prune::SetCut;

std::vector<SetCut> cut_set(std::span<const TensorView> tensors, std::uint64_t first_position, std::uint64_t n,
                            const PruneOptions& options) {
  const std::vector<std::uint64_t> counts = prune::level_counts(options, n);
  if (options.criterion == Criterion::kRandom)
    return prune::cut_random(tensors, first_position, counts, options.seed, options.threads);
  return prune::cut_smallest(tensors, counts, options.threads);
}

void require_levels(const PruneOptions& options) {
  if (!options.sets.empty()) {
    if (!options.levels.empty() || !options.include.empty() || !options.exclude.empty() || !options.groups.empty() ||
        options.criterion != Criterion::kMagnitude || options.pattern != Pattern())
      throw Error("a file of levels says itself what is pruned, by magnitude: nothing else can be asked for");
    return;
  }
  if (options.levels.empty()) throw Error("no level to prune to");
  std::set<std::string> labels;
  for (const Amount& amount : options.levels)
    if (!labels.insert(amount.label).second) throw Error("level '" + amount.label + "' is given twice");
}

void set_zeros(PrunePlan& plan, std::span<const TensorView> tensors) {
  for (LevelPlan& level : plan.levels) {
    std::uint64_t position = 0;
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      TensorCut& cut = level.cuts[i];
      if (plan.zeros_before[i] == 0 || cut.pruned == 0 || plan.options.criterion == Criterion::kMagnitude) {
        cut.zeros = std::max(plan.zeros_before[i], cut.pruned);  // zeros are the smallest: they go first
      } else {
        cut.zeros = prune::zeros_after_random(tensors[i], position, cut, plan.options.seed, plan.options.threads);
      }
      position += tensors[i].elements();
      level.pruned += cut.pruned;
      level.zeros += cut.zeros;
    }
  }
}

/// The level that the sets make: each has a threshold of its own.
LevelPlan cut_sets(const Model& model, const PrunePlan& plan, const std::vector<TensorView>& tensors) {
  LevelPlan level;
  level.cuts.resize(tensors.size());
  std::uint64_t pruned = 0;
  const std::vector<std::vector<std::size_t>> members = prune::members_of(model, plan.parameters, plan.options.sets);
  for (std::size_t set = 0; set < members.size(); ++set) {
    std::vector<TensorView> own;
    std::uint64_t n = 0;
    for (const std::size_t member : members[set]) {
      own.push_back(tensors[member]);
      n += tensors[member].elements();
    }
    const std::uint64_t count = plan.options.sets[set].amount.of(n);
    const SetCut cut = prune::cut_smallest(own, {&count, 1}, plan.options.threads).front();
    for (std::size_t i = 0; i < own.size(); ++i) level.cuts[members[set][i]] = cut.tensors[i];
    pruned += count;
  }
  const double fraction = static_cast<double>(pruned) / static_cast<double>(plan.candidates);
  level.amount = {fraction, std::nullopt, fmt::format("{:.4g}", 100 * fraction)};
  return level;
}

}  // namespace

namespace prune {

std::vector<std::uint64_t> level_counts(const PruneOptions& options, std::uint64_t n) {
  std::vector<std::uint64_t> counts;
  std::uint64_t gone = 0;
  for (const Amount& amount : options.levels) {
    if (options.schedule == Schedule::kIndependent) gone = 0;
    gone += amount.of(n - gone);
    counts.push_back(gone);
  }
  return counts;
}

}  // namespace prune

PrunePlan plan_pruning(const Model& model, const PruneOptions& options) {
  PrunePlan plan;
  plan.options = prune::completed(options);
  require_levels(plan.options);
  plan.parameters = select_parameters(model, options);
  std::vector<TensorView> tensors;
  for (const std::size_t parameter : plan.parameters) {
    tensors.push_back(model.tensor(model.parameters[parameter]));
    plan.candidates += tensors.back().elements();
  }
  decode_packed(tensors, options.threads);
  plan.zeros_before = prune::count_zeros(tensors, options.threads);
  if (!options.sets.empty()) {
    plan.levels.push_back(cut_sets(model, plan, tensors));
    set_zeros(plan, tensors);
    return plan;
  }
  for (const Amount& amount : plan.options.levels) plan.levels.emplace_back().amount = amount;
  if (options.pattern != Pattern()) {
    prune::plan_pattern(model, plan);
    return plan;
  }
  const auto take = [&](std::span<const TensorView> set, std::uint64_t first_position, std::uint64_t n) {
    std::vector<SetCut> cuts = cut_set(set, first_position, n, options);
    for (std::size_t level = 0; level < cuts.size(); ++level) {
      LevelPlan& into = plan.levels[level];
      into.cuts.insert(into.cuts.end(), cuts[level].tensors.begin(), cuts[level].tensors.end());
      if (options.scope == Scope::kGlobal) into.threshold = cuts[level].threshold;
    }
  };
  if (options.scope == Scope::kGlobal) {
    take(tensors, 0, plan.candidates);
  } else {
    std::uint64_t position = 0;
    for (const TensorView& tensor : tensors) {
      take({&tensor, 1}, position, tensor.elements());
      position += tensor.elements();
    }
  }
  set_zeros(plan, tensors);
  return plan;
}

std::filesystem::path level_directory(const PrunePlan& plan, std::size_t level, const std::filesystem::path& out) {
  if (plan.levels.size() == 1) return out;
  const std::string& label = plan.levels[level].amount.label;
  return out / (label.starts_with("amount-") ? label : "sparsity-" + label);
}

}  // namespace pare
