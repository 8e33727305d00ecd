// report.md and results.json.
#pragma once

#include <string>
#include <vector>

#include "report/study.h"
#include "report/study_charts.h"

namespace pare::report {

/// All there is to tell: charts[i] belong to studies[i].
struct StudyDocument {
  const std::vector<Study>* studies = nullptr;
  const std::vector<ModelCharts>* charts = nullptr;
  const SharedCharts* shared = nullptr;
  ReportOptions options;
  double seconds = 0;  ///< from opening to here, charts and checkpoints included
};

/// Markdown for a code-hosting page. Paths are relative: charts/, tables/, models/.
std::string report_markdown(const StudyDocument& document);
/// The linked page with every tensor of one model.
std::string tensors_markdown(const Study& study);
/// Every figure in full, as JSON.
std::string report_json(const StudyDocument& document);

/// Where a level's checkpoint stands under the report's directory: "models/gpt2/sparsity-90".
std::string level_path(const Study& study, std::size_t level);

}  // namespace pare::report
