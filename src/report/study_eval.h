// What pruning costs: a model's scores at every level of a study.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pare/chart.h"
#include "pare/eval.h"
#include "pare/prune.h"
#include "report/study_findings.h"
#include "report/task_curve.h"

namespace pare::report {

/// Scores `model` and its pruned copies. Throws what evaluate() throws, but for tasks that make no sense.
std::vector<TaskCurve> task_curves(const Model& model, const PrunePlan& plan, const std::vector<EvalOptions>& tasks,
                                   const Context& context);

/// A line per level: every score with its standard error.
Table task_table(const TaskCurve& curve, const PrunePlan& plan);
/// Where the score begins to suffer and where it breaks; true of the figures whatever they are.
Sentences task_findings(const TaskCurve& curve, const PrunePlan& plan);
/// The score that charts and sentences tell of: as it is (row 0), or at a level; NaN if there is none.
Score main_score_of(const TaskCurve& curve, std::size_t row);
/// The same of another evaluation on that task.
Score main_score_of(const TaskCurve& curve, const Evaluation& evaluation);
/// Whether a score is less than a tenth worse than the dense model's.
bool keeps_score(const Score& dense, const Score& pruned);
/// The main score against the level, the dense model's marked.
LineChart task_chart(const TaskCurve& curve, const PrunePlan& plan, const std::string& title);

}  // namespace pare::report
