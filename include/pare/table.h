// A logical table (columns, rows, alignment) and its renderings: terminal text, GitHub Markdown and CSV.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace pare {

/// A share as it was counted, so that a table can round it exactly.
struct Share {
  std::uint64_t part = 0, whole = 0;
  /// 100 * part / whole, the nearest double; 0 for an empty whole.
  double percent() const noexcept;
};

/// Empty cells are blank everywhere. Counts get thousands separators in text and Markdown.
using Cell = std::variant<std::monostate, std::string, std::uint64_t, double, Share>;

struct Column {
  std::string key;    ///< CSV header, e.g. "share_percent"
  std::string title;  ///< what people read, e.g. "|w| > 0.1"
  bool left = false;  ///< names stand left, numbers right
  bool code = false;  ///< names of tensors and files: code spans in Markdown
};

struct Table {
  std::vector<Column> columns;
  std::vector<std::vector<Cell>> rows;  ///< each as long as columns
};

/// "43.82 %": rounded half away from zero to two decimals, exactly (from the counts).
std::string percent_text(const Share& share);
/// The same of a fraction that was divided already; exact for a quotient of counts below 10^12.
std::string percent_text(double fraction);
/// "124,439,808".
std::string count_text(std::uint64_t count);
/// Four significant digits, as %.4g; "NaN", "-0" as "0".
std::string number_text(double value);
/// Shortest text that reads back as the same double; "nan", "inf".
std::string exact_text(double value);
/// "548.1 MB" (powers of 1000).
std::string bytes_text(std::uint64_t bytes);

/// Columns aligned by display width, two spaces between them, no trailing spaces. Control
/// characters (names come from files) are shown as '?'.
std::string to_text(const Table& table);
/// A pipe table; what Markdown would interpret is escaped.
std::string to_markdown(const Table& table);
/// RFC 4180 quoting, lines ended by LF, '.' as decimal point, full precision. Shares are percentages.
std::string to_csv(const Table& table);

/// Terminal columns that UTF-8 text occupies: 2 for East Asian wide characters and emoji, 0 for
/// combining marks. Malformed bytes count 1.
std::size_t display_width(std::string_view text) noexcept;
/// Text without control characters (each becomes '?'), malformed UTF-8 likewise.
std::string printable(std::string_view text);
/// Plain text for use in running Markdown: what has a meaning there is escaped.
std::string markdown_escape(std::string_view text);
/// A code span for a table cell, whatever backticks and pipes the text holds.
std::string markdown_code(std::string_view text);

}  // namespace pare
