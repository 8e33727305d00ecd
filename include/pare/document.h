// Headings, paragraphs, lists and tables one after the other, as terminal text or as Markdown.
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

  /// Text is given raw; control characters and Markdown's own are taken care of.
  void heading(std::string_view text, int level = 2);
  void paragraph(std::string_view text);
  void list(const std::vector<std::string>& items);
  void table(const Table& table);
  /// A block that is already in the document's markup.
  void raw(std::string_view block);

  /// Blocks divided by one empty line; ends with a line feed.
  const std::string& text() const noexcept { return text_; }

 private:
  void begin_block(bool tight = false);

  Markup markup_;
  bool after_heading_ = false, after_text_ = false;
  std::string text_;
};

}  // namespace pare
