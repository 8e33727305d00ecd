// A logical table (columns, rows, alignment) and its renderings: terminal text, GitHub Markdown and CSV.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace pare {

/// A share as two counts, so that a table can round it exactly.
struct Share {
  std::uint64_t part = 0, whole = 0;
  /// Returns 100 * part / whole as a double; 0 if whole is 0.
  double percent() const noexcept;
};

/// std::monostate is an empty cell. In text and Markdown, counts (std::uint64_t) have thousands separators.
using Cell = std::variant<std::monostate, std::string, std::uint64_t, double, Share>;

struct Column {
  std::string key;    ///< CSV header, e.g. "share_percent"
  std::string title;  ///< header in text and Markdown, e.g. "|w| > 0.1"
  bool left = false;  ///< aligned left, as names are; otherwise aligned right, as numbers are
  bool code = false;  ///< cells are names of tensors or files and become code spans in Markdown
};

struct Table {
  std::vector<Column> columns;
  std::vector<std::vector<Cell>> rows;  ///< each as long as columns
};

/// "43.82 %": rounded half away from zero to two decimals, exactly (from the counts).
std::string percent_text(const Share& share);
/// Likewise for a fraction in [0, 1]. Rounding is exact for a quotient of counts below 10^12. Not finite: "NaN".
std::string percent_text(double fraction);
/// "124,439,808".
std::string count_text(std::uint64_t count);
/// Four significant digits, as printf's %.4g. NaN is shown as "NaN", and -0 as "0".
std::string number_text(double value);
/// Shortest text that parses to the same double. NaN is shown as "nan", infinity as "inf", and -0 as "0".
std::string exact_text(double value);
/// "548.1 MB" (powers of 1000).
std::string bytes_text(std::uint64_t bytes);

/// Columns aligned by display width, two spaces between them, no trailing spaces. Control
/// characters (names come from files) are shown as '?'.
std::string to_text(const Table& table);
/// A pipe table. Characters that Markdown would interpret are escaped.
std::string to_markdown(const Table& table);
/// RFC 4180 quoting, lines ended by LF, '.' as decimal point, full precision. Shares are percentages.
std::string to_csv(const Table& table);

/// Terminal columns that UTF-8 text occupies: 2 for East Asian wide characters and emoji, 0 for
/// combining marks. Malformed bytes count 1.
std::size_t display_width(std::string_view text) noexcept;
/// Returns the text with control characters and malformed UTF-8 replaced by '?'.
std::string printable(std::string_view text);
/// Escapes plain text for use in a Markdown paragraph or table cell.
std::string markdown_escape(std::string_view text);
/// Returns a code span for a table cell. The text may contain backticks and pipes.
std::string markdown_code(std::string_view text);

}  // namespace pare
