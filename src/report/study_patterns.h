// Patterns beside one another: what each leaves of a model at the same sparsity.
#pragma once

#include <string>
#include <vector>

#include "report/study.h"
#include "report/study_findings.h"

namespace pare::report {

/// Prunes the study's model by each of options.compared_patterns, and unstructured, and scores what is left on those of
/// `tasks` that suit the model (study.tasks tells). Throws Error, Interrupted.
std::vector<PatternRow> compare_patterns(const Study& study, const ReportOptions& options,
                                         const std::vector<EvalOptions>& tasks, const Context& context);

/// A line per pattern and level: zeros, what is left, the main score of each task.
Table pattern_table(const Study& study);
/// Which pattern does best and worst at each level; true of the figures whatever they are.
Sentences pattern_findings(const Study& study);
/// The rows as a JSON array.
std::string patterns_json(const Study& study);
/// What a plan's pattern does, in a sentence.
std::string pattern_method(const PruneOptions& options);

}  // namespace pare::report
