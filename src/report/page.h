// What a report is made of, whatever it becomes: report.md and report.html are written by the same calls.
#pragma once

#include <string_view>

#include "pare/table.h"
#include "report/study_charts.h"
#include "report/study_findings.h"

namespace pare::report {

class Page {
 public:
  virtual ~Page() = default;

  /// Plain text; level 1 is the title of the report.
  virtual void heading(std::string_view text, int level) = 0;
  /// Sentences as one paragraph. Like all Sentences, they are Markdown.
  virtual void sentences(const Sentences& sentences) = 0;
  virtual void bullets(const Sentences& items) = 0;
  virtual void table(std::string_view caption, const Table& table) = 0;
  /// A table that the reader opens.
  virtual void folded(std::string_view summary, const Table& table) = 0;
  virtual void image(const ChartFile& chart) = 0;
  /// All tensors of a model, or where they are.
  virtual void every_tensor(const Study& study) = 0;
  /// Shares and sparsity by layer and kind of tensor, where the page can show them.
  virtual void heat_maps(const Study& study) = 0;

  void images(const std::vector<ChartFile>& charts) {
    for (const ChartFile& chart : charts) image(chart);
  }
};

}  // namespace pare::report
