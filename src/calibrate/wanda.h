// Wanda (Sun et al. 2023): the score of a weight is its magnitude times the L2 norm of its input.
#pragma once

#include "calibrate/linear_task.h"

namespace pare::calibrate {

/// Removes the weights with the smallest scores of each output row, or of each group of an N:M pattern. `squares`: of
/// the inputs, as in SharedInputs.
void prune_by_wanda(LinearTask& task, const std::vector<double>& squares, const Context& context);

}  // namespace pare::calibrate
