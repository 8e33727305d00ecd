// The weights that remain, fitted to what the linear computed with all of them.
#pragma once

#include "calibrate/algebra/hessian.h"
#include "calibrate/linear_task.h"

namespace pare::calibrate {

/// Minimizes (b - d) H (b - d)^T for each row b of the task's weights times the scale, where d is that of `dense`, over
/// the weights that are not removed: by `steps` steps of conjugate gradients (Hestenes and Stiefel 1952), which start
/// from the task's weights. H has a diagonal of 1, so it needs no preconditioner.
void refit(LinearTask& task, const std::vector<float>& dense, const ScaledHessian& hessian, unsigned steps,
           const Context& context);

}  // namespace pare::calibrate
