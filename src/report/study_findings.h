// Findings of a study in sentences. Each is made from the numbers and appears only if it is true.
#pragma once

#include <string>
#include <vector>

#include "report/study.h"
#include "table/wording.h"

namespace pare::report {

/// Sentences in Markdown: names in code spans, everything else escaped.
using Sentences = std::vector<std::string>;

/// The overall share in both measures, and the location of the big parameters.
Sentences overall_findings(const Study& study);
/// The variation of the share between layers, and the layers that stand out.
Sentences layer_findings(const Study& study);
/// The number of parameters in the tail, and the location of the largest.
Sentences tail_findings(const Study& study);
/// Pruned and untouched parameters.
Sentences selection_findings(const Study& study);
/// The effect of pruning on the share of big parameters.
Sentences level_findings(const Study& study);
/// The distribution of sparsity over layers and tensors.
Sentences evenness_findings(const Study& study);
/// A comparison of the models, in answer to the study's questions.
Sentences shared_findings(const std::vector<Study>& studies);

using table::enumeration;
using table::plural;

/// Three significant digits without an exponent, for reading: "6.94", "3,050".
std::string factor_text(double factor);

/// Layers with the smallest and the greatest share, among Inspection::layers; both 0 if there is none.
struct Extremes {
  std::size_t lowest = 0, highest = 0;
};
Extremes layer_extremes(const Inspection& inspection);
/// The same for sparsity at a level, over the layers with an index (layer >= 0); indices into Study::layers.
Extremes sparsity_extremes(const Study& study, std::size_t level);
/// Indices of tensors that a level leaves without a single nonzero weight.
std::vector<std::size_t> emptied_tensors(const Study& study, std::size_t level);

}  // namespace pare::report
