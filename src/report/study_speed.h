// Gains of pruning in a study: sizes and run times at every level, and the loss of quality.
#pragma once

#include <vector>

#include "chart/chart.h"
#include "pare/chart.h"
#include "report/study.h"
#include "report/study_findings.h"

namespace pare::report {

/// The sizes of the files. Like all findings, these sentences are true for any figures.
Sentences size_findings(const BenchResult& bench);
/// Levels at which the model becomes faster, and by how much.
Sentences speed_findings(const BenchResult& bench);
/// The fastest level that keeps the score.
Sentences trade_off_findings(const TaskCurve& curve, const PrunePlan& plan, const BenchResult& bench);

/// Megabytes against sparsity.
LineChart size_chart(const BenchResult& bench);
/// Speed-up over dense against sparsity.
LineChart speed_chart(const BenchResult& bench);
/// A task's main score against speed-up, and against size if files were written.
chart::TradeOffChart trade_off_chart(const TaskCurve& curve, const BenchResult& bench);

/// Size, speed and scores together: a line for each model and level.
Table gains_table(const std::vector<Study>& studies);
/// Whether any model was timed.
bool any_bench(const std::vector<Study>& studies);

}  // namespace pare::report
