#include "table/html.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace pare::table {
namespace {

constexpr std::size_t kFewestToFilter = 8;  // rows
constexpr std::size_t kFewestToSort = 2;

std::string cell_text(const Cell& cell) {
  if (const auto* text = std::get_if<std::string>(&cell)) return *text;
  if (const auto* count = std::get_if<std::uint64_t>(&cell)) return count_text(*count);
  if (const auto* value = std::get_if<double>(&cell)) return number_text(*value);
  if (const auto* share = std::get_if<Share>(&cell)) return percent_text(*share);
  return {};
}

/// What the page sorts by, where the rounded text would not do.
std::string sort_key(const Cell& cell) {
  const auto* value = std::get_if<double>(&cell);
  const auto* share = std::get_if<Share>(&cell);
  const double number = value != nullptr ? *value : share != nullptr ? share->percent() : NAN;
  return std::isnan(number) ? std::string() : fmt::format("{:.8g}", number);
}

/// Rows whose first cell is empty continue the one before, so their order must stay.
bool can_sort(const Table& table) {
  return table.rows.size() >= kFewestToSort &&
         std::none_of(table.rows.begin(), table.rows.end(),
                      [](const std::vector<Cell>& row) { return row.empty() || cell_text(row.front()).empty(); });
}

void add_filter(Html& html, std::size_t rows, std::string_view caption) {
  html.open("div", {{"class", "tools"}});
  html.open("label").element("span", "Filter");
  html.lone("input", {{"type", "search"},
                      {"placeholder", "words in a row"},
                      {"aria-label", fmt::format("Filter the rows of: {}", caption)},
                      {"autocomplete", "off"},
                      {"spellcheck", "false"}});
  html.close();
  html.element("output", {{"class", "matches"}}, fmt::format("{} rows", count_text(rows)));
  html.close();
}

void add_header(Html& html, const Table& table, bool sorts) {
  html.open("thead").open("tr");
  for (const Column& column : table.columns) {
    html.open("th", {{"scope", "col"}, {column.left ? "" : "class", "n"}, {sorts ? "aria-sort" : "", "none"}});
    if (sorts)
      html.element("button", {{"type", "button"}}, column.title);
    else
      html.text(column.title);
    html.close();
  }
  html.close().close();
}

void add_row(Html& html, const Table& table, const std::vector<Cell>& row) {
  html.open("tr");
  for (std::size_t i = 0; i < row.size(); ++i) {
    const std::string text = cell_text(row[i]), key = sort_key(row[i]);
    html.open(i == 0 ? "th" : "td", {{i == 0 ? "scope" : "", "row"},
                                     {table.columns[i].left ? "" : "class", "n"},
                                     {key.empty() ? "" : "data-s", key}});
    if (table.columns[i].code && !text.empty())
      html.element("code", text);
    else
      html.text(text);
    html.close();
  }
  html.close().append("\n");
}

}  // namespace

std::string html_escape(std::string_view text) {
  std::string result;
  for (const char c : printable(text)) switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      case '\'':
        result += "&#39;";
        break;
      default:
        result += c;
    }
  return result;
}

Html& Html::lone(std::string_view tag, Attributes attributes) {
  html_ += '<';
  html_ += tag;
  for (const auto& [name, value] : attributes)
    if (!name.empty()) html_ += fmt::format(" {}=\"{}\"", name, html_escape(value));
  html_ += '>';
  return *this;
}

Html& Html::open(std::string_view tag, Attributes attributes) {
  open_.emplace_back(tag);
  return lone(tag, attributes);
}

Html& Html::close() {
  html_ += fmt::format("</{}>", open_.back());
  open_.pop_back();
  return *this;
}

Html& Html::text(std::string_view text) { return append(html_escape(text)); }

Html& Html::element(std::string_view tag, Attributes attributes, std::string_view content) {
  return open(tag, attributes).text(content).close();
}

Html& Html::append(std::string_view html) {
  html_ += html;
  return *this;
}

std::string to_html(const Table& table, std::string_view caption) {
  const bool sorts = can_sort(table);
  Html html;
  html.open("div", {{"class", "table"}});
  if (sorts && table.rows.size() >= kFewestToFilter) add_filter(html, table.rows.size(), caption);
  // Without buttons in its header, a table that is wider than the page can be scrolled by keyboard only if it takes
  // focus.
  html.open("div", {{"class", "scroll"},
                    {sorts ? "" : "tabindex", "0"},
                    {sorts ? "" : "role", "region"},
                    {sorts ? "" : "aria-label", caption}});
  html.open("table").element("caption", caption);
  add_header(html, table, sorts);
  html.open("tbody").append("\n");
  for (const std::vector<Cell>& row : table.rows) add_row(html, table, row);
  html.close().close().close().close().append("\n");
  return html.str();
}

}  // namespace pare::table
