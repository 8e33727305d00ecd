// report.md, report.html and results.json.
#pragma once

#include <string>
#include <vector>

#include "report/study.h"
#include "report/study_charts.h"

namespace pare::report {

/// The content of a report: charts[i] belong to studies[i].
struct StudyDocument {
  const std::vector<Study>* studies = nullptr;
  const std::vector<ModelCharts>* charts = nullptr;
  const SharedCharts* shared = nullptr;
  ReportOptions options;
  double seconds = 0;  ///< from opening the models to this point, including charts and checkpoints
};

class Page;

/// Writes the whole report to a page.
void write_study(Page& page, const StudyDocument& document);

/// Markdown for a code-hosting page. Paths are relative: charts/, tables/, models/.
std::string report_markdown(const StudyDocument& document);
/// One self-contained page (html/html_page.h).
std::string report_html(const StudyDocument& document);
/// The linked page with all tensors of one model.
std::string tensors_markdown(const Study& study);
/// Every figure in full, as JSON.
std::string report_json(const StudyDocument& document);

/// Path of a level's checkpoint in the report's directory: "models/gpt2/sparsity-90".
std::string level_path(const Study& study, std::size_t level);

}  // namespace pare::report
