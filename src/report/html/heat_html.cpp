#include "report/html/heat_html.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "table/html.h"

namespace pare::report {
namespace {

using table::Html;

constexpr double kSteps = 20;  // classes h0 to h20 in page.css

/// The highest value of each figure over all maps, in percent.
std::vector<double> highest_values(const std::vector<HeatMap>& maps, std::size_t figures) {
  std::vector<double> highest(figures, 0);
  for (const HeatMap& map : maps)
    for (const auto& row : map.cells)
      for (const HeatCell& cell : row)
        for (std::size_t i = 0; i < cell.figures.size(); ++i)
          if (cell.figures[i]) highest[i] = std::max(highest[i], cell.figures[i]->percent());
  return highest;
}

std::string joined(const std::vector<double>& values) {
  std::string text;
  for (const double value : values) text += fmt::format("{}{:.6g}", text.empty() ? "" : "|", value);
  return text;
}

void add_choice(Html& html, const std::vector<std::string>& titles, std::size_t number) {
  html.open("fieldset", {{"class", "choice"}}).element("legend", "Color shows");
  for (std::size_t i = 0; i < titles.size(); ++i) {
    html.open("label").lone("input", {{"type", "radio"},
                                      {"name", fmt::format("heat{}", number)},
                                      {"value", fmt::format("{}", i)},
                                      {i == 0 ? "checked" : "", ""}});
    html.element("span", titles[i]).close();
  }
  html.close();
}

/// The share's step grows with its root, because biases and norms, which often have a share of 100 %, would leave the
/// matrices without a difference. All other figures are linear (page.js).
long share_step(double percent, double highest) {
  return highest > 0 ? std::lround(kSteps * std::sqrt(percent / highest)) : 0;
}

void add_scale(Html& html, double highest) {
  const auto ramp = [&] { html.open("span", {{"class", "ramp"}, {"aria-hidden", "true"}}).close(); };
  html.open("p", {{"class", "scale"}}).element("span", "0 %");
  ramp();
  html.element("span", {{"class", "middle"}}, fmt::format("{:.2f} %", highest / 4));
  ramp();
  html.element("span", {{"class", "top"}}, fmt::format("{:.2f} %", highest)).close();
}

void add_cell(Html& html, const HeatCell& cell, double highest, bool first) {
  if (cell.figures.empty()) {
    html.element("td", {{"class", "none"}, {"tabindex", first ? "0" : "-1"}}, "");
    return;
  }
  std::string values;
  for (std::size_t i = 0; i < cell.figures.size(); ++i)
    values += (i == 0 ? "" : "|") + (cell.figures[i] ? fmt::format("{:.6g}", cell.figures[i]->percent()) : "");
  const double percent = cell.figures[0]->percent();
  html.element("td",
               {{"class", fmt::format("h{}", share_step(percent, highest))},
                {"tabindex", first ? "0" : "-1"},
                {"data-v", values},
                {"data-c", count_text(cell.parameters)}},
               fmt::format("{:.1f}", percent));
}

void add_map(Html& html, const HeatMap& map, double highest) {
  html.open("div", {{"class", "scroll"}}).open("table", {{"role", "grid"}, {"aria-readonly", "true"}});
  html.element("caption", fmt::format("{}: layers and kinds of tensor, in percent",
                                      map.stack.empty() ? "The model" : map.stack + " stack"));
  html.open("thead").open("tr").element("th", {{"scope", "col"}}, "layer");
  for (const std::string& kind : map.kinds)
    html.open("th", {{"scope", "col"}, {"class", "kind"}}).element("span", kind).close();
  html.close().close().open("tbody").append("\n");
  for (std::size_t row = 0; row < map.layers.size(); ++row) {
    html.open("tr").element("th", {{"scope", "row"}}, fmt::format("{}", map.layers[row]));
    for (std::size_t column = 0; column < map.kinds.size(); ++column)
      add_cell(html, map.cells[row][column], highest, row == 0 && column == 0);
    html.close().append("\n");
  }
  html.close().close().close();
}

}  // namespace

std::string heat_html(const Study& study, std::size_t number) {
  const std::vector<HeatMap> maps = heat_maps(study);
  if (maps.empty()) return {};
  const std::vector<std::string> titles = heat_titles(study);
  const std::vector<double> highest = highest_values(maps, titles.size());
  Html html;
  html.open("figure", {{"class", "heat"}, {"data-max", joined(highest)}});
  html.element("figcaption", study.inspection.title + ": every layer and kind of tensor");
  add_choice(html, titles, number);
  add_scale(html, highest[0]);
  for (const HeatMap& map : maps) add_map(html, map, highest[0]);
  html.element("p", {{"class", "hint"}},
               "The arrow keys move through the map; pointing at a cell shows all of its figures.");
  return html.close().append("\n").str();
}

}  // namespace pare::report
