#include "report/html/html_page.h"

#include <fmt/format.h>

#include "chart/chart_html.h"
#include "report/html/heat_html.h"
#include "report/html/inline_html.h"
#include "report/html/page_assets.h"
#include "report/study_tables.h"
#include "report/study_text.h"

namespace pare::report {
namespace {

using table::Html;

constexpr int kSection = 2, kSubsection = 3;  // levels of headings
constexpr std::size_t kMostTensors = 5'000;   // in the page; more are in the CSV file only

std::string details(std::string_view summary, std::string_view content) {
  Html html;
  return html.open("details").element("summary", summary).append(content).close().append("\n").str();
}

/// The style and the script stand in the head, so that the page looks as it will stay before anything of it is drawn.
void add_head(Html& html, std::string_view title) {
  const std::string policy = fmt::format(
      "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
      kStyleHash, kScriptHash);
  html.open("head").append("\n").lone("meta", {{"charset", "utf-8"}});
  html.lone("meta", {{"http-equiv", "Content-Security-Policy"}, {"content", policy}});
  html.lone("meta", {{"name", "viewport"}, {"content", "width=device-width, initial-scale=1"}});
  html.lone("meta", {{"name", "color-scheme"}, {"content", "light dark"}});
  html.lone("meta", {{"name", "referrer"}, {"content", "no-referrer"}});
  html.lone("meta", {{"name", "generator"}, {"content", "pare " PARE_VERSION}});
  html.append("\n").element("title", title).append("\n");
  html.open("style").append(kStyle).close().append("\n");
  html.open("script").append(kScript).close().append("\n").close().append("\n");
}

}  // namespace

void HtmlPage::heading(std::string_view text, int level) {
  if (level == 1) {
    title_ = text;
    return;
  }
  const Entry& entry = entries_.emplace_back(Entry{fmt::format("s{}", entries_.size() + 1), std::string(text), level});
  if (level == kSection) {
    if (place_ == &body_) body_.close().append("\n");
    place_ = &body_;
    body_.open("section", {{"aria-labelledby", entry.id}}).append("\n");
  }
  place_->element(fmt::format("h{}", level), {{"id", entry.id}}, text).append("\n");
}

void HtmlPage::sentences(const Sentences& sentences) {
  std::string paragraph;
  for (const std::string& sentence : sentences) paragraph += (paragraph.empty() ? "" : " ") + sentence;
  if (!paragraph.empty()) place_->open("p").append(inline_html(paragraph)).close().append("\n");
}

void HtmlPage::bullets(const Sentences& items) {
  if (items.empty()) return;
  place_->open("ul");
  for (const std::string& item : items) place_->open("li").append(inline_html(item)).close();
  place_->close().append("\n");
}

void HtmlPage::table(std::string_view caption, const Table& table) { place_->append(table::to_html(table, caption)); }

void HtmlPage::folded(std::string_view summary, const Table& table) {
  place_->append(details(summary, table::to_html(table, summary)));
}

void HtmlPage::image(const ChartFile& chart) { place_->append(chart::to_html(chart.chart, chart.alt)); }

void HtmlPage::every_tensor(const Study& study) {
  const std::size_t count = study.inspection.tensors.size();
  const std::string file = fmt::format("tables/{}.csv", study.slug);
  if (count > kMostTensors)
    return sentences({fmt::format("All {} tensors are too many for a page: [{}]({}).", count_text(count), file, file)});
  folded(fmt::format("Every tensor: all {}", count_text(count)), tensors_table(study));
}

void HtmlPage::heat_maps(const Study& study) { place_->append(heat_html(study, ++heat_count_)); }

std::string HtmlPage::contents() const {
  Html html;
  html.open("nav", {{"aria-label", "Contents"}}).open("ul");
  bool inner = false, item = false;
  for (const Entry& entry : entries_) {
    if (entry.level > kSubsection) continue;
    if (entry.level == kSection) {
      if (inner) html.close();
      if (item) html.close();
      inner = false;
    } else if (!inner) {
      html.open("ul");
      inner = true;
    }
    html.open("li").open("a", {{"href", '#' + entry.id}}).text(entry.text).close();
    if (entry.level == kSection)
      item = true;
    else
      html.close();
  }
  if (inner) html.close();
  if (item) html.close();
  return html.close().close().append("\n").str();
}

std::string HtmlPage::finish() {
  if (place_ == &body_) body_.close().append("\n");
  Html html;
  html.append("<!doctype html>\n").open("html", {{"lang", "en"}});
  add_head(html, title_);
  html.open("body").append("\n");
  html.element("a", {{"class", "skip"}, {"href", "#study"}}, "Skip to the study").append("\n");
  html.open("header").element("h1", title_);
  html.element("button", {{"type", "button"}, {"id", "theme"}, {"aria-pressed", "false"}}, "Dark").close().append("\n");
  html.append(contents());
  html.open("main", {{"id", "study"}, {"tabindex", "-1"}}).append("\n").open("div", {{"class", "lead"}});
  html.append(head_.str()).close().append("\n").append(body_.str()).close().append("\n");
  html.open("div", {{"id", "tip"}, {"role", "status"}, {"aria-live", "polite"}}).close();
  return html.append("\n").close().close().append("\n").str();
}

std::string report_html(const StudyDocument& document) {
  HtmlPage page;
  write_study(page, document);
  return page.finish();
}

}  // namespace pare::report
