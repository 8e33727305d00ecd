// Chooses weights of a whole matrix by the magnitude of some F32 values.
#pragma once

#include "calibrate/linear_task.h"

namespace pare::calibrate {

/// Sets task.removed to the smallest |values|, [out, in]: as many as the amount asks for, or those of each group of an
/// N:M pattern. Of equal ones, those stored first go first. The same for any number of threads.
void choose_smallest(const std::vector<float>& values, LinearTask& task, const Context& context);

}  // namespace pare::calibrate
