#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/collective.h"
#include "pare/error.h"
#include "pare/prune.h"
#include "prune/amount.h"
#include "prune/criteria/cut_given.h"
#include "prune/criteria/cut_random.h"
#include "prune/criteria/cut_smallest.h"
#include "prune/masks/count_zeros.h"
#include "prune/patterns/plan_pattern.h"
#include "prune/select.h"
#include "stats/content.h"

namespace pare {
namespace {

using prune::SetCut;

std::vector<SetCut> cut_set(std::span<const TensorView> tensors, std::uint64_t first_position, std::uint64_t n,
                            const PruneOptions& options, const Context& context) {
  const std::vector<std::uint64_t> counts = prune::level_counts(options, n);
  if (options.criterion == Criterion::kRandom)
    return prune::cut_random(tensors, first_position, counts, options.seed, context);
  return prune::cut_smallest(tensors, counts, context);
}

void require_levels(const PruneOptions& options) {
  if (is_calibrated(options.criterion) || options.refit)
    throw Error(ErrorCode::kArgument, options.refit ? "fitting weights needs a text to calibrate on"
                                                    : fmt::format("the criterion {} needs a text to calibrate on",
                                                                  criterion_name(options.criterion)));
  if (!options.sets.empty()) {
    if (!options.levels.empty() || !options.include.empty() || !options.exclude.empty() || !options.groups.empty() ||
        options.criterion != Criterion::kMagnitude || options.pattern != Pattern())
      throw Error(ErrorCode::kArgument,
                  "a levels file determines what is pruned, by magnitude, and cannot be combined with other options");
    return;
  }
  if (options.levels.empty()) throw Error(ErrorCode::kArgument, "no level to prune to");
  std::set<std::string> labels;
  for (const Amount& amount : options.levels)
    if (!labels.insert(amount.label).second)
      throw Error(ErrorCode::kArgument, "level '" + amount.label + "' is given twice");
}

/// The level that the sets define. Each set has its own threshold.
LevelPlan cut_sets(const Model& model, const PrunePlan& plan, const std::vector<TensorView>& tensors,
                   const Context& context) {
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
    const SetCut cut = prune::cut_smallest(own, {&count, 1}, context).front();
    for (std::size_t i = 0; i < own.size(); ++i) level.cuts[members[set][i]] = cut.tensors[i];
    pruned += count;
  }
  const double fraction = static_cast<double>(pruned) / static_cast<double>(plan.candidates);
  level.amount = {fraction, std::nullopt, fmt::format("{:.4g}", 100 * fraction)};
  return level;
}

/// Fills the cuts of the levels, over all tensors together or for each tensor separately.
void plan_unstructured(std::span<const TensorView> tensors, PrunePlan& plan, const Context& context) {
  const bool global = plan.options.scope == Scope::kGlobal;
  const auto take = [&](std::span<const TensorView> set, std::uint64_t first_position, std::uint64_t n) {
    std::vector<SetCut> cuts = cut_set(set, first_position, n, plan.options, context);
    for (std::size_t level = 0; level < cuts.size(); ++level) {
      LevelPlan& into = plan.levels[level];
      into.cuts.insert(into.cuts.end(), cuts[level].tensors.begin(), cuts[level].tensors.end());
      if (global) into.threshold = cuts[level].threshold;
    }
  };
  if (global) return take(tensors, 0, plan.candidates);
  std::uint64_t position = 0;
  for (const TensorView& tensor : tensors) {
    take({&tensor, 1}, position, tensor.elements());
    position += tensor.elements();
  }
}

/// The same for each tensor separately, each by one process of the group.
void plan_per_tensor(std::span<const TensorView> tensors, PrunePlan& plan, const Context& context) {
  std::vector<std::uint64_t> sizes;
  for (const TensorView& tensor : tensors) sizes.push_back(tensor.bytes.size());
  const std::vector<unsigned> owners = base::share_out(sizes, base::group_size(context));
  std::vector<std::vector<TensorCut>> cuts(plan.levels.size(), std::vector<TensorCut>(tensors.size()));
  std::uint64_t position = 0;
  for (std::size_t i = 0; i < tensors.size(); position += tensors[i++].elements()) {
    if (owners[i] != base::group_rank(context)) continue;
    const std::vector<SetCut> own =
        cut_set({&tensors[i], 1}, position, tensors[i].elements(), plan.options, context.alone());
    for (std::size_t level = 0; level < own.size(); ++level) cuts[level][i] = own[level].tensors.front();
  }
  prune::share_cuts(cuts, context);
  for (std::size_t level = 0; level < cuts.size(); ++level) plan.levels[level].cuts = std::move(cuts[level]);
}

}  // namespace

bool PruneOptions::prunes() const {
  return !levels.empty() || !sets.empty() || pattern.level().has_value() || criterion == Criterion::kMask;
}

PrunePlan plan_pruning(const Model& model, const PruneOptions& options, const Context& context) {
  if (options.criterion == Criterion::kMask && !options.refit) return prune::plan_given(model, options, context);
  PrunePlan plan;
  plan.options = prune::completed(options);
  require_levels(plan.options);
  plan.parameters = select_parameters(model, options);
  std::vector<TensorView> tensors;
  for (const std::size_t parameter : plan.parameters) {
    tensors.push_back(model.tensor(model.parameters[parameter]));
    plan.candidates += tensors.back().elements();
  }
  stats::require_same_model(model, context);
  decode_packed(tensors, context);
  plan.zeros_before = prune::count_zeros(tensors, context);
  if (!options.sets.empty()) {
    plan.levels.push_back(cut_sets(model, plan, tensors, context));
  } else {
    for (const Amount& amount : plan.options.levels) plan.levels.emplace_back().amount = amount;
    if (options.pattern != Pattern())
      prune::plan_pattern(model, tensors, plan, context.alone());
    else if (context.group() != nullptr && options.scope == Scope::kPerTensor)
      plan_per_tensor(tensors, plan, context);
    else
      plan_unstructured(tensors, plan, context);
  }
  prune::set_zeros(plan, tensors, context.alone());
  return plan;
}

std::filesystem::path level_directory(const PrunePlan& plan, std::size_t level, const std::filesystem::path& out) {
  if (plan.levels.size() == 1) return out;
  const std::string& label = plan.levels[level].amount.label;
  return out / (label.starts_with("amount-") ? label : "sparsity-" + label);
}

}  // namespace pare
