#include "chart/html_plot.h"

#include <fmt/format.h>

#include <algorithm>

#include "chart/chart_scales.h"

namespace pare::chart {
namespace {

constexpr std::size_t kWidestTics = 9;  // characters; page.css has a margin for each width up to this

constexpr std::ptrdiff_t kFewTexts = 5;  // of an axis, which fit on a phone

/// The separators of data-v must not occur in a text.
std::string reading_text(std::string text) {
  std::replace(text.begin(), text.end(), '|', '/');
  std::replace(text.begin(), text.end(), ';', ',');
  return text;
}

std::string number(double percent) { return fmt::format("{:.4g}", percent); }

}  // namespace

HtmlPlot::HtmlPlot(const Texts& texts, Axis x, Axis y) : texts_(texts), x_(std::move(x)), y_(std::move(y)) {
  svg_.open("svg", {{"class", "area"}, {"aria-hidden", "true"}, {"focusable", "false"}});
  add_axes();
}

std::string HtmlPlot::across(double x) const { return number(100 * place_on(x_, x)) + '%'; }
std::string HtmlPlot::down(double y) const { return number(100 - 100 * place_on(y_, y)) + '%'; }

void HtmlPlot::add_axes() {
  svg_.open("g", {{"class", "grid"}});
  const auto line = [&](const std::string& x1, const std::string& x2, const std::string& y1, const std::string& y2) {
    svg_.open("line", {{"x1", x1}, {"x2", x2}, {"y1", y1}, {"y2", y2}}).close();
  };
  for (const Tic& tic : y_.tics)
    if (!tic.minor) line("0", "100%", down(tic.at), down(tic.at));
  for (const Tic& tic : x_.tics)
    if (!tic.minor) line(across(tic.at), across(tic.at), "0", "100%");
  svg_.close().open("g", {{"class", "tics"}});
  for (const Tic& tic : y_.tics)
    if (!tic.minor)
      svg_.element("text", {{"x", "-8"}, {"y", down(tic.at)}, {"dy", ".33em"}, {"text-anchor", "end"}}, tic.text);
  const auto texts = std::count_if(x_.tics.begin(), x_.tics.end(), [](const Tic& tic) { return !tic.minor; });
  std::size_t index = 0;
  for (const Tic& tic : x_.tics)
    if (!tic.minor)
      svg_.element(
          "text",
          {{"x", across(tic.at)},
           {"y", "100%"},
           {"dy", "1.6em"},
           {"text-anchor", "middle"},
           {index++ % 2 == 1 && texts > kFewTexts ? "class" : "", "odd"}},  // left out where there is little room
          tic.text);
  svg_.close();
}

void HtmlPlot::mark_x(double x, std::string_view label) {
  const std::string at = across(x);
  svg_.open("g", {{"class", "mark"}}).open("line", {{"x1", at}, {"x2", at}, {"y1", "0"}, {"y2", "100%"}}).close();
  const bool right = place_on(x_, x) > 0.5;
  svg_.element("text", {{"x", at}, {"y", "-6"}, {"text-anchor", right ? "end" : "start"}}, label).close();
}

void HtmlPlot::mark_y(double y, std::string_view label) {
  const std::string at = down(y);
  svg_.open("g", {{"class", "mark"}}).open("line", {{"x1", "0"}, {"x2", "100%"}, {"y1", at}, {"y2", at}}).close();
  svg_.element("text", {{"x", "100%"}, {"y", at}, {"dy", "-6"}, {"text-anchor", "end"}}, label).close();
}

std::string HtmlPlot::places(const std::vector<Reading>& readings) const {
  std::string text;
  for (const Reading& reading : readings)
    text += fmt::format("{}{},{}", text.empty() ? "" : " ", number(100 * place_on(x_, reading.x)),
                        number(100 - 100 * place_on(y_, reading.y)));
  return text;
}

void HtmlPlot::begin_series(std::string_view name, std::string_view style, const std::vector<Reading>& readings) {
  std::string values;
  for (const Reading& reading : readings)
    values +=
        fmt::format("{}{}|{}", values.empty() ? "" : ";", reading_text(reading.x_text), reading_text(reading.y_text));
  svg_.open("g", {{"class", style}, {"data-n", name}, {"data-p", places(readings)}, {"data-v", values}});
}

void HtmlPlot::line(const std::vector<Reading>& readings) {
  // This inner picture is stretched to the area; the line's width is not (vector-effect in page.css).
  svg_.open("svg", {{"viewBox", "0 0 100 100"}, {"preserveAspectRatio", "none"}});
  svg_.open("polyline", {{"points", places(readings)}}).close().close();
}

void HtmlPlot::dot(double x, double y, bool square) {
  if (square)
    svg_.open(
        "rect",
        {{"x", across(x)}, {"y", down(y)}, {"width", "7"}, {"height", "7"}, {"transform", "translate(-3.5,-3.5)"}});
  else
    svg_.open("circle", {{"cx", across(x)}, {"cy", down(y)}, {"r", "3.8"}});
  svg_.close();
}

void HtmlPlot::error_bar(double x, double low, double high) {
  svg_.open("line", {{"x1", across(x)}, {"x2", across(x)}, {"y1", down(low)}, {"y2", down(high)}}).close();
}

void HtmlPlot::bar(double left, double right, double y, std::string_view style) {
  const double top = 100 - 100 * place_on(y_, y);
  svg_.open("rect", {{"x", across(left)},
                     {"y", number(top) + '%'},
                     {"width", number(100 * (place_on(x_, right) - place_on(x_, left))) + '%'},
                     {"height", number(std::max(0.0, 100 - top)) + '%'},
                     {style.empty() ? "" : "class", style}});
  svg_.close();
}

void HtmlPlot::label(double x, double y, std::string_view text, bool below) {
  svg_.element("text", {{"x", across(x)}, {"y", down(y)}, {"dy", below ? "1.5em" : "-.7em"}, {"text-anchor", "middle"}},
               text);
}

std::string HtmlPlot::finish() {
  svg_.close();
  std::size_t widest = 1;
  for (const Tic& tic : y_.tics) widest = std::max(widest, tic.text.size());
  table::Html html;
  html.open("div", {{"class", "plot"},
                    {"role", "group"},
                    {"tabindex", "0"},
                    {"aria-roledescription", "chart"},
                    {"aria-label", texts_.description + ". The arrow keys read its values."},
                    {"data-x", texts_.x_label},
                    {"data-y", texts_.y_label}});
  if (!texts_.title.empty() || !texts_.note.empty())
    html.open("p", {{"class", "panel"}}).element("strong", texts_.title).element("span", texts_.note).close();
  html.element("p", {{"class", "axis"}}, texts_.y_label);
  html.open("div", {{"class", fmt::format("frame w{}", std::min(widest, kWidestTics))}}).append(svg_.str()).close();
  html.element("p", {{"class", "axis x"}}, texts_.x_label);
  return html.close().append("\n").str();
}

}  // namespace pare::chart
