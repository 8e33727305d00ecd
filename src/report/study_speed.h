// What pruning gains in a study: sizes and run times at every level, and what quality they cost.
#pragma once

#include <vector>

#include "chart/chart.h"
#include "pare/chart.h"
#include "report/study.h"
#include "report/study_findings.h"

namespace pare::report {

/// How small the files become; true of the figures whatever they are, as all sentences.
Sentences size_findings(const BenchResult& bench);
/// Where the model becomes faster, and how much.
Sentences speed_findings(const BenchResult& bench);
/// The fastest level that keeps the score.
Sentences trade_off_findings(const TaskCurve& curve, const PrunePlan& plan, const BenchResult& bench);

/// Megabytes against sparsity.
LineChart size_chart(const BenchResult& bench);
/// Times as fast as dense against sparsity.
LineChart speed_chart(const BenchResult& bench);
/// A task's main score against speed-up, and against size where files were written.
chart::TradeOffChart trade_off_chart(const TaskCurve& curve, const BenchResult& bench);

/// All four parts side by side: a line for each model and level.
Table gains_table(const std::vector<Study>& studies);
/// Whether any model was timed.
bool any_bench(const std::vector<Study>& studies);

}  // namespace pare::report
