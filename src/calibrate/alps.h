// ALPS (Meng et al. 2024): the weights to remove are found by ADMM on the linear's squared error, and the others are
// then fitted by conjugate gradients.
#pragma once

#include "calibrate/algebra/hessian.h"
#include "calibrate/linear_task.h"

namespace pare::calibrate {

/// As the paper's algorithm, with the settings of its published code: a penalty that starts at 0.1 and grows every
/// third step by 1.3, 1.2 or 1.1, the more slowly the less the choice of weights changes, until it changes no more (at
/// most 300 steps), and ten steps of conjugate gradients.
void prune_by_alps(LinearTask& task, const ScaledHessian& hessian, const Context& context);

}  // namespace pare::calibrate
