// How the weights to prune are spread over the linears: the level of each.
#pragma once

#include <vector>

#include "pare/calibrate.h"

namespace pare::calibrate {

/// For each level of the plan's options, the fraction of each parameter of the plan to prune. Together they prune the
/// level of all weights. Throws as plan_calibrated().
std::vector<std::vector<double>> spread_levels(const Model& model, const PrunePlan& plan,
                                               const CalibrationOptions& options, const Context& context);

}  // namespace pare::calibrate
