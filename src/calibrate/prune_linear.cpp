#include "calibrate/prune_linear.h"

namespace pare::calibrate {

TensorCut prune_linear(const Model& model, const PrunePlan& plan, const Level& level, std::size_t index,
                       const CalibratedCriterion* criterion, WorkingWeights& weights, const Context& context) {
  LinearTask task = weights.task(index);
  task.pattern = plan.options.pattern;
  task.amount = level.of_each[index];
  if (!level.given.empty()) weights.remove(level.given[index], index, task);
  if (criterion != nullptr) {
    if (needs_products(plan.options)) require_finite(task, model.source, model.parameters[plan.parameters[index]].name);
    criterion->prune(task, context);
  } else if (level.given.empty()) {
    prune_by_magnitude(task);
  }
  return weights.finish(index, task);
}

}  // namespace pare::calibrate
