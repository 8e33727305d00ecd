// Scores of one model on one task, unpruned and at every level of a study.
#pragma once

#include <string>

#include "table/eval_tables.h"

namespace pare::report {

/// Scores of one model on one task: unpruned, then at each level of the plan.
struct TaskCurve {
  EvalResults results;
  std::string main_score;  ///< the score that charts and sentences use
  std::string unsuitable;  ///< why the task does not suit the model; if set, there are no rows
};

}  // namespace pare::report
