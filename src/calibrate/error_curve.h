// How much of what a linear computes is lost at each level.
#pragma once

#include <array>

#include "calibrate/algebra/hessian.h"
#include "calibrate/linear_task.h"

namespace pare::calibrate {

/// One value for each percent from 0 to 100.
using Curve = std::array<double, 101>;

constexpr double kProbed = 50;  ///< percent to which a linear is pruned to see what that does to the model

struct ErrorCurve {
  Curve errors{};     ///< squared errors of the linear's outputs, in a unit that is the same for all levels
  double probed = 0;  ///< that of the level kProbed
};

/// Prunes the linear to some levels: the smallest weights times the norm of their input go, compared in the whole
/// matrix, and, if `fits`, the others are fitted in a few steps. The errors between are interpolated, as straight lines
/// of the logarithm; below the least level as squares. They are in proportion to what a calibrated criterion leaves,
/// roughly. The task is left pruned to kProbed.
ErrorCurve error_curve(LinearTask& task, const ScaledHessian& hessian, bool fits, const Context& context);

}  // namespace pare::calibrate
