// One linear at one level.
#pragma once

#include <vector>

#include "calibrate/calibrated_criterion.h"
#include "calibrate/working_weights.h"
#include "pare/prune.h"

namespace pare::calibrate {

/// One level: the amount of every parameter of the plan.
struct Level {
  Amount amount;
  std::vector<Amount> of_each;
  std::vector<Mask> given = {};  ///< of every parameter, where a criterion that is not calibrated has chosen
};

/// The index is in PrunePlan::parameters, and the linear must be loaded in `weights`, which get the result. Without a
/// criterion, as for a linear that saw no input, the smallest weights go, or those that the level has given. Throws
/// Error (kUnsupported) for weights that are not finite, which cannot be fitted.
TensorCut prune_linear(const Model& model, const PrunePlan& plan, const Level& level, std::size_t index,
                       const CalibratedCriterion* criterion, WorkingWeights& weights, const Context& context);

}  // namespace pare::calibrate
