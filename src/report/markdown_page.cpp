#include "report/markdown_page.h"

#include <fmt/format.h>

namespace pare::report {

void MarkdownPage::sentences(const Sentences& sentences) {
  std::string paragraph;
  for (const std::string& sentence : sentences) paragraph += (paragraph.empty() ? "" : " ") + sentence;
  if (!paragraph.empty()) document_.raw(paragraph);
}

void MarkdownPage::bullets(const Sentences& items) {
  std::string text;
  for (const std::string& item : items) text += (text.empty() ? "- " : "\n- ") + item;
  if (!text.empty()) document_.raw(text);
}

void MarkdownPage::folded(std::string_view summary, const Table& table) {
  document_.raw(fmt::format("<details><summary>{}</summary>\n\n{}\n</details>", summary, to_markdown(table)));
}

void MarkdownPage::image(const ChartFile& chart) {
  if (!chart.failure.empty())
    return document_.paragraph(fmt::format("{}: this chart could not be drawn ({}).", chart.alt, chart.failure));
  document_.raw(fmt::format("![{}](charts/{})", markdown_escape(chart.alt), chart.name));
}

void MarkdownPage::every_tensor(const Study& study) {
  document_.raw(fmt::format("Every tensor: [table](tables/{0}.md), [CSV](tables/{0}.csv).", study.slug));
}

}  // namespace pare::report
