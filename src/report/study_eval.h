// The cost of pruning: a model's scores at every level of a study.
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

/// Scores `model` and its pruned copies. Throws what evaluate() throws, except for tasks that do not suit the model.
std::vector<TaskCurve> task_curves(const Model& model, const PrunePlan& plan, const std::vector<EvalOptions>& tasks,
                                   const Context& context);

/// Those that suit the model.
std::vector<const TaskCurve*> scored_tasks(const std::vector<TaskCurve>& curves);
/// A line for each level: every score with its standard error.
Table task_table(const TaskCurve& curve, const PrunePlan& plan);
/// The levels at which the score begins to degrade and at which it breaks down. The sentences are true for any figures.
Sentences task_findings(const TaskCurve& curve, const PrunePlan& plan);
/// The score that charts and sentences use: unpruned (row 0), or at a level; NaN if there is none.
Score main_score_of(const TaskCurve& curve, std::size_t row);
/// The same score of another evaluation on that task.
Score main_score_of(const TaskCurve& curve, const Evaluation& evaluation);
/// Whether a score is less than a tenth worse than the dense model's.
bool keeps_score(const Score& dense, const Score& pruned);
/// A chart of the main score against sparsity, with the dense model's marked, and no line yet.
LineChart task_axes(const TaskCurve& curve, const std::string& title);
/// The main score against the level, with the dense model's marked.
LineChart task_chart(const TaskCurve& curve, const PrunePlan& plan, const std::string& title);

}  // namespace pare::report
