// What a study found, in sentences. Each is made from the numbers and said only where it is true.
#pragma once

#include <string>
#include <vector>

#include "report/study.h"
#include "table/wording.h"

namespace pare::report {

/// Sentences in Markdown: names in code spans, everything else escaped.
using Sentences = std::vector<std::string>;

/// The overall share in both measures, and where the big parameters are.
Sentences overall_findings(const Study& study);
/// How much the share varies between layers, and which layers stand out.
Sentences layer_findings(const Study& study);
/// How many parameters are far out, and where the largest sit.
Sentences tail_findings(const Study& study);
/// What was pruned and what was left alone.
Sentences selection_findings(const Study& study);
/// What pruning did to the share of big parameters.
Sentences level_findings(const Study& study);
/// How unevenly the sparsity falls on layers and tensors.
Sentences evenness_findings(const Study& study);
/// The models against one another, in answer to the study's questions.
Sentences shared_findings(const std::vector<Study>& studies);

using table::enumeration;
using table::plural;

/// Three significant digits without an exponent, as far as people read it: "6.94", "3,050".
std::string factor_text(double factor);

/// Layers with the smallest and the greatest share, among Inspection::layers; both 0 if there is none.
struct Extremes {
  std::size_t lowest = 0, highest = 0;
};
Extremes layer_extremes(const Inspection& inspection);
/// The same for sparsity at a level, over the layers that have a number; indices into Study::layers.
Extremes sparsity_extremes(const Study& study, std::size_t level);
/// Indices of tensors that a level leaves without a single nonzero weight.
std::vector<std::size_t> emptied_tensors(const Study& study, std::size_t level);

}  // namespace pare::report
