#include "eval/kept_cuts.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "calibrate/calibrated_criterion.h"
#include "pare/calibrate.h"
#include "pare/error.h"
#include "prune/select.h"

namespace pare::eval {
namespace {

bool is_same_cut(const PruneSet& a, const PruneSet& b) {
  return a.amount.fraction == b.amount.fraction && a.amount.count == b.amount.count && a.tensors == b.tensors;
}

bool is_among(const PruneSet& set, const std::vector<PruneSet>& sets) {
  return std::any_of(sets.begin(), sets.end(), [&](const PruneSet& one) { return is_same_cut(one, set); });
}

PruneOptions pruning_of(const SensitivityOptions& options) {
  PruneOptions pruning;
  pruning.criterion = options.criterion;
  pruning.refit = options.refit;
  return pruning;
}

}  // namespace

bool uses_statistics(const SensitivityOptions& options) noexcept {
  return is_calibrated(options.criterion) || options.refit;
}

std::vector<std::size_t> parameters_of_units(const Model& model, const SensitivityOptions& options) {
  std::vector<std::size_t> parameters = select_parameters(model, {});
  if (!uses_statistics(options)) return parameters;
  std::erase_if(parameters, [&](std::size_t index) { return !is_layer_linear(model, model.parameters[index]); });
  if (parameters.empty())
    throw Error(ErrorCode::kArgument, model.title + ": nothing to prune: the model has no linear in a layer");
  return parameters;
}

KeptCuts::KeptCuts(const Model& model, const SensitivityOptions& options, const Context& context)
    : model_(model), pruning_(pruning_of(options)), statistics_(options.statistics), file_(options.statistics, model) {
  if (context.group() != nullptr)
    throw Error(ErrorCode::kArgument, statistics_, "statistics are used by one process, not by a group");
  for (const Amount& level : options.levels)
    if (level.count && is_calibrated(options.criterion))
      throw Error(ErrorCode::kArgument,
                  fmt::format("the criterion {} needs fractions, not counts", criterion_name(options.criterion)));
  for (const std::size_t index : parameters_of_units(model, options)) {
    const calibrate::StatisticsFile::Entry& entry = file_.entry_of(model.parameters[index].name);
    if (calibrate::needs_products(pruning_)) file_.require_products(entry);
  }
}

const KeptCuts::Kept* KeptCuts::find(const PruneSet& set) const {
  const auto found =
      std::find_if(kept_.begin(), kept_.end(), [&](const Kept& kept) { return is_same_cut(kept.set, set); });
  return found == kept_.end() ? nullptr : &*found;
}

void KeptCuts::solve(const std::vector<PruneSet>& sets, const Context& context) {
  if (sets.empty()) return;
  PruneOptions pruning = pruning_;
  pruning.sets = sets;
  CalibrationOptions calibration;
  calibration.statistics = statistics_;
  PrunePlan plan = plan_calibrated(model_, pruning, calibration, context);
  file_.require_unchanged();
  const std::vector<std::vector<std::size_t>> members = prune::members_of(model_, plan.parameters, sets);
  for (std::size_t i = 0; i < sets.size(); ++i) {
    Kept& kept = kept_.emplace_back();
    kept.set = sets[i];
    for (const std::size_t member : members[i]) {
      kept.parameters.push_back(plan.parameters[member]);
      kept.cuts.push_back(std::move(plan.levels[0].cuts[member]));
    }
  }
  solved_count_ += sets.size();
}

Model KeptCuts::pruned(const std::vector<PruneSet>& sets, const Context& context) {
  std::erase_if(kept_, [&](const Kept& kept) { return !kept.held && !is_among(kept.set, sets); });
  std::vector<PruneSet> missing;
  for (const PruneSet& set : sets)
    if (find(set) == nullptr) missing.push_back(set);
  solve(missing, context);
  PrunePlan plan;
  LevelPlan& level = plan.levels.emplace_back();
  for (const PruneSet& set : sets) {
    const Kept& kept = *find(set);
    plan.parameters.insert(plan.parameters.end(), kept.parameters.begin(), kept.parameters.end());
    level.cuts.insert(level.cuts.end(), kept.cuts.begin(), kept.cuts.end());
  }
  return pruned_model(model_, plan, 0, context);
}

void KeptCuts::hold(const std::vector<PruneSet>& sets) {
  std::erase_if(kept_, [&](const Kept& kept) { return !is_among(kept.set, sets); });
  for (Kept& kept : kept_) kept.held = true;
}

}  // namespace pare::eval
