#include "calibrate/statistics/from_statistics.h"

#include <algorithm>
#include <map>
#include <optional>

namespace pare::calibrate {
namespace {

using Entry = StatisticsFile::Entry;

/// The linears of the plan, by what they share.
std::map<const Entry*, std::vector<std::size_t>> linears_by_entry(const Model& model, const PrunePlan& plan,
                                                                  const StatisticsFile& file) {
  std::map<const Entry*, std::vector<std::size_t>> linears;
  for (std::size_t i = 0; i < plan.parameters.size(); ++i)
    linears[&file.entry_of(model.parameters[plan.parameters[i]].name)].push_back(i);
  return linears;
}

}  // namespace

StatisticsCuts cuts_from_statistics(const Model& model, const PrunePlan& plan, const std::vector<Level>& levels,
                                    const StatisticsFile& file, const Context& context) {
  StatisticsCuts cuts;
  const Context quiet = context.with_progress({});
  std::vector<WorkingWeights> weights;
  for (std::size_t level = 0; level < levels.size(); ++level) {
    weights.emplace_back(model, plan.parameters);
    cuts.levels.emplace_back(plan.parameters.size());
  }
  std::size_t done = 0;
  for (const auto& [entry, linears] : linears_by_entry(model, plan, file)) {
    SharedInputs inputs;
    if (entry->tokens != 0) inputs = file.load(*entry, needs_products(plan.options));
    const bool zero = std::all_of(inputs.squares.begin(), inputs.squares.end(), [](double sum) { return sum == 0; });
    std::optional<CalibratedCriterion> criterion;
    if (!zero) criterion.emplace(plan.options, inputs, quiet);
    for (const std::size_t index : linears) {
      const std::string& name = model.parameters[plan.parameters[index]].name;
      if (zero) cuts.unseen.insert(name);
      if (criterion && criterion->raised_damping()) cuts.raised.insert(name);
      for (std::size_t level = 0; level < levels.size(); ++level) {
        context.report(static_cast<double>(done++) / static_cast<double>(plan.parameters.size() * levels.size()));
        context.check();
        weights[level].load(index);
        cuts.levels[level][index] =
            prune_linear(model, plan, levels[level], index, criterion ? &*criterion : nullptr, weights[level], quiet);
      }
    }
  }
  file.require_unchanged();
  return cuts;
}

}  // namespace pare::calibrate
