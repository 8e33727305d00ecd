// Scores of one model on one task, as it is and at every level of a study.
#pragma once

#include <string>

#include "table/eval_tables.h"

namespace pare::report {

/// One task's scores of one model: as it is, then at each level of the plan.
struct TaskCurve {
  EvalResults results;
  std::string main_score;  ///< the one that charts and sentences tell of
  std::string unsuitable;  ///< why the task makes no sense for the model; then there are no rows
};

}  // namespace pare::report
