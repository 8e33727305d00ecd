// A report as one page of HTML that needs nothing else: no network, no file beside it. Its style and its script are
// page.css and page.js in this folder; the page forbids every other by their hashes (Content-Security-Policy).
#pragma once

#include <string>
#include <vector>

#include "report/page.h"
#include "table/html.h"

namespace pare::report {

class HtmlPage : public Page {
 public:
  HtmlPage() = default;
  HtmlPage(const HtmlPage&) = delete;
  HtmlPage& operator=(const HtmlPage&) = delete;

  void heading(std::string_view text, int level) override;
  void sentences(const Sentences& sentences) override;
  void bullets(const Sentences& items) override;
  void table(std::string_view caption, const Table& table) override;
  void folded(std::string_view summary, const Table& table) override;
  void image(const ChartFile& chart) override;
  void every_tensor(const Study& study) override;
  void heat_maps(const Study& study) override;

  /// The whole page. Nothing can be added afterwards.
  std::string finish();

 private:
  struct Entry {
    std::string id, text;
    int level = 0;
  };
  std::string contents() const;

  table::Html head_, body_;      ///< what stands before the first section, and the sections
  table::Html* place_ = &head_;  ///< the one that is being written
  std::string title_;
  std::vector<Entry> entries_;  ///< headings, for the table of contents
  std::size_t heat_count_ = 0;
};

}  // namespace pare::report
