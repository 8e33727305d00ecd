#include "pare/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace pare {
namespace {

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;

/// The text of a cell before escaping.
std::string shown(const Cell& cell) {
  return std::visit(
      Overloaded{[](std::monostate) { return std::string(); }, [](const std::string& text) { return printable(text); },
                 [](std::uint64_t count) { return count_text(count); }, [](double value) { return number_text(value); },
                 [](const Share& share) { return percent_text(share); }},
      cell);
}

/// A CSV field, quoted where RFC 4180 requires it.
std::string csv_field(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"') result += '"';
    result += c;
  }
  return result + '"';
}

std::string exact(const Cell& cell) {
  return std::visit(
      Overloaded{[](std::monostate) { return std::string(); }, [](const std::string& text) { return csv_field(text); },
                 [](std::uint64_t count) { return fmt::format("{}", count); },
                 [](double value) { return exact_text(value); },
                 [](const Share& share) { return exact_text(share.percent()); }},
      cell);
}

void append_aligned(std::string& line, const std::string& text, std::size_t width, bool left) {
  const std::size_t padding = width - std::min(width, display_width(text));
  if (left) {
    line += text;
    line.append(padding, ' ');
  } else {
    line.append(padding, ' ');
    line += text;
  }
}

}  // namespace

double Share::percent() const noexcept {
  if (whole == 0) return 0;
  // Exact product up to 2^53 / 100 parameters, so that the quotient is the nearest double.
  return 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

std::string percent_text(const Share& share) {
  if (share.whole == 0) return "0.00 %";
  using Wide = unsigned __int128;
  const Wide whole = share.whole;
  const auto hundredths = static_cast<std::uint64_t>((Wide{share.part} * 20'000 + whole) / (2 * whole));
  return fmt::format("{}.{:02} %", hundredths / 100, hundredths % 100);
}

std::string percent_text(double fraction) {
  if (!std::isfinite(fraction)) return "NaN";
  // Rounding errors of the division and the product must not push a half below the half.
  constexpr double kNudge = 1 + 4e-16;
  return fmt::format("{:.2f} %", std::round(fraction * kNudge * 10'000) / 100);
}

std::string count_text(std::uint64_t count) {
  std::string digits = fmt::format("{}", count);
  for (auto position = static_cast<std::ptrdiff_t>(digits.size()) - 3; position > 0; position -= 3)
    digits.insert(static_cast<std::size_t>(position), 1, ',');
  return digits;
}

std::string number_text(double value) {
  if (std::isnan(value)) return "NaN";
  return fmt::format("{:.4g}", value == 0 ? 0.0 : value);
}

std::string exact_text(double value) {
  if (std::isnan(value)) return "nan";
  return fmt::format("{}", value == 0 ? 0.0 : value);
}

std::string bytes_text(std::uint64_t bytes) {
  if (bytes < 1000) return fmt::format("{} B", bytes);
  double scaled = static_cast<double>(bytes) / 1000;
  const char* unit = "kB";
  for (const char* larger : {"MB", "GB", "TB"}) {
    if (scaled < 999.95) break;
    scaled /= 1000;
    unit = larger;
  }
  return fmt::format("{:.1f} {}", scaled, unit);
}

std::string to_text(const Table& table) {
  const std::size_t columns = table.columns.size();
  std::vector<std::vector<std::string>> lines(1);
  for (const Column& column : table.columns) lines[0].push_back(printable(column.title));
  for (const auto& row : table.rows) {
    std::vector<std::string>& line = lines.emplace_back();
    for (const Cell& cell : row) line.push_back(shown(cell));
  }
  std::vector<std::size_t> widths(columns, 0);
  for (const auto& line : lines)
    for (std::size_t i = 0; i < columns; ++i) widths[i] = std::max(widths[i], display_width(line[i]));
  std::string text;
  for (const auto& line : lines) {
    std::string padded;
    for (std::size_t i = 0; i < columns; ++i) {
      if (i != 0) padded += "  ";
      append_aligned(padded, line[i], widths[i], table.columns[i].left);
    }
    padded.erase(padded.find_last_not_of(' ') + 1);
    text += padded + '\n';
  }
  return text;
}

std::string to_markdown(const Table& table) {
  std::string text = "|", rule = "|";
  for (const Column& column : table.columns) {
    text += ' ' + markdown_escape(column.title) + " |";
    rule += column.left ? "---|" : "--:|";
  }
  text += '\n' + rule + '\n';
  for (const auto& row : table.rows) {
    text += '|';
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string cell = shown(row[i]);
      text += ' ' + (table.columns[i].code && !cell.empty() ? markdown_code(cell) : markdown_escape(cell)) + " |";
    }
    text += '\n';
  }
  return text;
}

std::string to_csv(const Table& table) {
  std::string text;
  for (std::size_t i = 0; i < table.columns.size(); ++i) text += (i ? "," : "") + csv_field(table.columns[i].key);
  text += '\n';
  for (const auto& row : table.rows) {
    for (std::size_t i = 0; i < row.size(); ++i) text += (i ? "," : "") + exact(row[i]);
    text += '\n';
  }
  return text;
}

}  // namespace pare
