// Compares patterns by what remains of a model at the same sparsity.
#pragma once

#include <string>
#include <vector>

#include "report/study.h"
#include "report/study_findings.h"

namespace pare::report {

/// Prunes the study's model by each of options.compared_patterns and unstructured, and scores the results on those of
/// `tasks` that suit the model (according to study.tasks). Throws Error, Interrupted.
std::vector<PatternRow> compare_patterns(const Study& study, const ReportOptions& options,
                                         const std::vector<EvalOptions>& tasks, const Context& context);

/// A line for each pattern and level: zeros, remaining squares, the main score of each task.
Table pattern_table(const Study& study);
/// The best and the worst pattern at each level. The sentences are true for any figures.
Sentences pattern_findings(const Study& study);
/// The rows as a JSON array.
std::string patterns_json(const Study& study);
/// A sentence that explains the pattern of a plan.
std::string pattern_method(const PruneOptions& options);

}  // namespace pare::report
