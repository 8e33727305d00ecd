// A report as Markdown for a code-hosting page. Charts and the table of all tensors are files of their own.
#pragma once

#include <string>

#include "pare/document.h"
#include "report/page.h"

namespace pare::report {

class MarkdownPage : public Page {
 public:
  void heading(std::string_view text, int level) override { document_.heading(text, level); }
  void sentences(const Sentences& sentences) override;
  void bullets(const Sentences& items) override;
  void table(std::string_view, const Table& table) override { document_.table(table); }
  void folded(std::string_view summary, const Table& table) override;
  void image(const ChartFile& chart) override;
  void every_tensor(const Study& study) override;
  void heat_maps(const Study&) override {}

  const std::string& text() const noexcept { return document_.text(); }

 private:
  Document document_{Markup::kMarkdown};
};

}  // namespace pare::report
