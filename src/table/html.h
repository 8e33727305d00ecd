// Writes HTML. Names in checkpoints are hostile, so every text and every attribute's value is escaped here, and nowhere
// else; tags and attribute names are constants of the code.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pare/table.h"

namespace pare::table {

/// The text with control characters replaced by '?', safe between tags and in a quoted attribute.
std::string html_escape(std::string_view text);

class Html {
 public:
  /// An attribute whose name is empty is left out, so that callers can choose one with a condition.
  using Attributes = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  Html& open(std::string_view tag, Attributes attributes = {});
  /// Closes the element that was opened last and is still open.
  Html& close();
  Html& text(std::string_view text);
  /// Opens, writes the text, and closes.
  Html& element(std::string_view tag, Attributes attributes, std::string_view text);
  Html& element(std::string_view tag, std::string_view text) { return element(tag, {}, text); }
  /// An element that has no content and no end tag, such as <input>.
  Html& lone(std::string_view tag, Attributes attributes = {});
  /// Appends what another Html, or a constant of the program, made.
  Html& append(std::string_view html);
  /// The text so far. Precondition: every element is closed.
  const std::string& str() const noexcept { return html_; }

 private:
  std::string html_;
  std::vector<std::string> open_;
};

/// A table with its caption, a row of headers that sort, and, if it has many rows, a field that filters them. The first
/// column names the rows.
std::string to_html(const Table& table, std::string_view caption);

}  // namespace pare::table
