// A document of headings, paragraphs, lists and tables, as terminal text or as Markdown.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "pare/table.h"

namespace pare {

enum class Markup : std::uint8_t { kText, kMarkdown };

class Document {
 public:
  explicit Document(Markup markup) : markup_(markup) {}

  /// These functions take plain text: they replace control characters by '?' and escape Markdown's special characters.
  void heading(std::string_view text, int level = 2);
  void paragraph(std::string_view text);
  void list(const std::vector<std::string>& items);
  void table(const Table& table);
  /// Appends a block that is already in the document's markup.
  void raw(std::string_view block);

  /// Returns the document so far, which ends with a line feed. An empty line separates blocks (in terminal text not
  /// after a heading, nor between a paragraph and a list).
  const std::string& text() const noexcept { return text_; }

 private:
  void begin_block(bool tight = false);

  Markup markup_;
  bool after_heading_ = false, after_text_ = false;
  std::string text_;
};

}  // namespace pare
