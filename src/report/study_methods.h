// Compares criteria by what is left of a model, and by what they cost.
#pragma once

#include <string>
#include <vector>

#include "report/study.h"
#include "report/study_findings.h"

namespace pare::report {

/// Prunes the study's model by each of options.compared_criteria at each level, and scores the results on those of the
/// study's tasks that suit it. All of them prune the same tensors: if one is calibrated, the linears of layers. Why a
/// model is left out is in the result. Throws Interrupted.
Methods compare_methods(const Study& study, const ReportOptions& options, const Context& context);

/// A line for each level and criterion: sparsity, the layers with the least and the most of it, time, memory, and the
/// main score of each task.
Table method_table(const Study& study);
/// On what was calibrated, and the best and the worst criterion at each level. The sentences are true for any figures.
Sentences method_findings(const Study& study);
/// The comparison as a JSON object.
std::string methods_json(const Study& study);
/// For each task that was scored, the main score over the level: a line for each criterion.
std::vector<LineChart> method_charts(const Study& study);

}  // namespace pare::report
