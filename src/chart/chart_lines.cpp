// Line charts, in one panel or several side by side.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "chart/chart.h"
#include "chart/chart_canvas.h"

namespace pare::chart {
namespace {

constexpr std::size_t kMostMarkedPoints = 64;
constexpr std::size_t kLongestSideName = 26;

struct Range {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  void cover(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  bool empty() const { return !(low <= high); }
};

/// Names in order of first appearance.
std::vector<std::string> distinct(const LineChart& chart, std::string ChartSeries::*field) {
  std::vector<std::string> names;
  for (const ChartSeries& series : chart.series)
    if (std::find(names.begin(), names.end(), series.*field) == names.end()) names.push_back(series.*field);
  return names;
}

/// The points that can be drawn on the chart's axes, with values converted to percent.
std::vector<std::vector<double>> points(const LineChart& chart, const ChartSeries& series) {
  std::vector<std::vector<double>> rows;
  for (std::size_t i = 0; i < std::min(series.x.size(), series.y.size()); ++i) {
    const double x = series.x[i], y = series.y[i] * (chart.percent_y ? 100 : 1);
    if (!std::isfinite(x) || !std::isfinite(y) || (chart.log_x && x <= 0) || (chart.log_y && y <= 0)) continue;
    rows.push_back({x, y});
    if (series.y_error.size() == series.y.size()) {
      const double error = series.y_error[i] * (chart.percent_y ? 100 : 1);
      // On a log axis a bar that reaches 0 has no lower end: it stops at a tenth of the value.
      rows.back().push_back(chart.log_y ? std::max(y - error, y / 10) : std::max(y - error, std::min(y, 0.0)));
      rows.back().push_back(y + error);
    }
  }
  return rows;
}

struct Axes {
  Axis x, y;
};

Axes make_axes(const LineChart& chart, std::size_t panels) {
  Range x, y;
  bool integral = !chart.log_x;
  for (const ChartSeries& series : chart.series)
    for (const auto& point : points(chart, series)) {
      x.cover(point[0]);
      y.cover(point[1]);
      if (point.size() == 4) y.cover(point[3]);
      integral = integral && point[0] == std::floor(point[0]);
    }
  if (chart.marked_y && std::isfinite(*chart.marked_y) && !(chart.log_y && *chart.marked_y <= 0))
    y.cover(*chart.marked_y * (chart.percent_y ? 100 : 1));
  if (x.empty()) x = {chart.log_x ? 0.1 : 0, 1};
  if (y.empty()) y = {chart.log_y ? 0.1 : 0, 1};
  const TicText text = chart.percent_y ? TicText::kPercent : TicText::kPlain;
  Axes axes;
  if (chart.log_x) {
    axes.x = log_axis(x.low, x.high, TicText::kPlain);
  } else {
    const int wanted = panels == 1 ? 12 : 8;
    axes.x = linear_axis(x.low, x.high, TicText::kPlain, false, integral, wanted);
    const double room = 0.025 * (axes.x.high - axes.x.low);
    axes.x.low -= room;
    axes.x.high += room;
  }
  if (chart.log_y) {
    axes.y = log_axis(y.low / 1.5, y.high * 1.5, text);
  } else {
    const double low = std::min(0.0, y.low);
    const double ceiling = chart.percent_y && y.high <= 100 ? 100 : std::numeric_limits<double>::infinity();
    axes.y = linear_axis(low, y.high > low ? y.high : low + (chart.percent_y ? 0.01 : 1), text, true);
    axes.y.high = std::min(axes.y.high, ceiling);
    axes.y.high += 0.012 * (axes.y.high - axes.y.low);  // so that a line at the top is fully visible
  }
  return axes;
}

std::string style(const LineChart& chart, const ChartSeries& series, const std::vector<std::string>& names) {
  const auto index = static_cast<std::size_t>(std::find(names.begin(), names.end(), series.name) - names.begin());
  const Stroke stroke = chart.ordered ? ordered_stroke(index, names.size()) : category_stroke(index);
  const bool marked = series.x.size() <= kMostMarkedPoints;
  return fmt::format("{} lw 1.7 dt {} lc rgb '{}'{}", marked ? "linespoints" : "lines", stroke.dash, stroke.color,
                     marked ? fmt::format(" pt {} ps 1.1", stroke.point) : "");
}

void plot_panel(Canvas& canvas, const LineChart& chart, const std::string& panel, const std::vector<std::string>& names,
                std::size_t number) {
  std::string command = "plot NaN notitle";
  for (std::size_t i = 0; i < chart.series.size(); ++i) {
    if (chart.series[i].panel != panel) continue;
    const auto rows = points(chart, chart.series[i]);
    if (rows.empty()) continue;
    const std::string data = fmt::format("line{}_{}", number, i);
    canvas.data(data, rows);
    if (rows.front().size() == 4)
      command += fmt::format(", ${} using 1:2:3:4 with yerrorbars pt 0 lw 1.4 lc rgb '{}' notitle", data,
                             category_stroke(0).color);
    command += fmt::format(", ${} using 1:2 with {} notitle", data, style(chart, chart.series[i], names));
  }
  canvas.add(command + "\n");
}

/// Space for the legend: a column on the right, or rows below if names are too long for it.
struct Legend {
  bool shown = false, below = false;
  double width = 0, height = 0;  // fractions of the picture
};

Legend plan_legend(const std::vector<std::string>& names, int height) {
  Legend legend;
  legend.shown = names.size() > 1;
  std::size_t longest = 0;
  for (const std::string& name : names) longest = std::max(longest, shortened(name, 60).size());
  legend.below = longest > kLongestSideName;
  if (!legend.shown) return legend;
  if (legend.below)
    legend.height = 40.0 * static_cast<double>((names.size() + 1) / 2 + 1) / height;
  else
    legend.width = (110 + 14.5 * static_cast<double>(longest)) / 1600;
  return legend;
}

}  // namespace

std::string line_script(const LineChart& chart, PictureFormat format) {
  const std::vector<std::string> panels = distinct(chart, &ChartSeries::panel);
  const std::vector<std::string> names = distinct(chart, &ChartSeries::name);
  const std::size_t count = std::max<std::size_t>(panels.size(), 1);
  const int height = count > 1 ? 900 : 1000;
  Canvas canvas(format, 1600, height);
  const Legend legend = plan_legend(names, height);
  const Axes axes = make_axes(chart, count);
  const double left = canvas.left_margin(axes.y), right = 0.98 - legend.width, gap = 0.025;
  const double bottom = 105.0 / height + legend.height, top = 1 - (count > 1 || chart.marked_x ? 140.0 : 95.0) / height;
  const double width = (right - left - gap * static_cast<double>(count - 1)) / static_cast<double>(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::string panel = panels.empty() ? "" : panels[i];
    canvas.add("unset label\nunset arrow\n");
    if (i == 0) canvas.title(chart.title, {});
    const double x0 = left + static_cast<double>(i) * (width + gap);
    canvas.panel({x0, x0 + width, bottom, top}, axes.x, axes.y, i == 0);
    canvas.axis_labels(chart.x_label, i == 0 ? chart.y_label : "");
    if (!panel.empty()) canvas.panel_title(panel);
    if (chart.marked_x) canvas.mark(*chart.marked_x, axes.x, panel.empty() ? chart.marked_label : "");
    if (chart.marked_y)
      canvas.mark_level(*chart.marked_y * (chart.percent_y ? 100 : 1), i == 0 ? chart.marked_y_label : "");
    plot_panel(canvas, chart, panel, names, i);
  }
  if (legend.shown) {
    std::vector<std::pair<std::string, std::string>> entries;
    for (const std::string& name : names) {
      const auto first = std::find_if(chart.series.begin(), chart.series.end(),
                                      [&](const ChartSeries& series) { return series.name == name; });
      entries.emplace_back(name, style(chart, *first, names));
    }
    const Rectangle place = legend.below ? Rectangle{left, right, 8.0 / height, legend.height}
                                         : Rectangle{right + 0.015, 0.995, bottom, top};
    canvas.legend(place, entries, legend.below);
  }
  return canvas.finish();
}

std::string bar_script(const BarChart& chart, PictureFormat format) {
  constexpr int kHeight = 800;
  Canvas canvas(format, 1600, kHeight);
  std::vector<std::string> names;
  double highest = 0;
  for (const ChartSeries& series : chart.series) {
    names.push_back(series.name);
    for (const double y : series.y)
      if (std::isfinite(y)) highest = std::max(highest, 100 * y);
  }
  const Legend legend = plan_legend(names, kHeight);
  Axis x;
  x.low = -0.6;
  x.high = static_cast<double>(chart.categories.size()) - 0.4;
  for (std::size_t i = 0; i < chart.categories.size(); ++i)
    x.tics.push_back({static_cast<double>(i), shortened(chart.categories[i], 18)});
  const Axis y = linear_axis(0, highest > 0 ? highest : 1, TicText::kPercent, true);
  const double left = canvas.left_margin(y), right = 0.98 - legend.width, bottom = 105.0 / kHeight + legend.height,
               top = 1 - 95.0 / kHeight;
  canvas.title(chart.title, {});
  canvas.panel({left, right, bottom, top}, x, y);
  canvas.add("set grid noxtics\n");
  canvas.axis_labels(chart.x_label, chart.y_label);
  std::string command = "plot NaN notitle";
  std::vector<std::pair<std::string, std::string>> entries;
  const double width = 0.8 / static_cast<double>(std::max<std::size_t>(chart.series.size(), 1));
  for (std::size_t s = 0; s < chart.series.size(); ++s) {
    std::vector<std::vector<double>> rows;
    for (std::size_t i = 0; i < std::min(chart.series[s].y.size(), chart.categories.size()); ++i)
      if (std::isfinite(chart.series[s].y[i]))
        rows.push_back(
            {static_cast<double>(i) - 0.4 + width * (static_cast<double>(s) + 0.5), 100 * chart.series[s].y[i]});
    if (rows.empty()) continue;
    const std::string data = fmt::format("bars{}", s);
    canvas.data(data, rows);
    const std::string style = fmt::format("boxes fc rgb '{}'", category_stroke(s).color);
    command += fmt::format(", ${} using 1:2:({}) with {} notitle", data, 0.92 * width, style);
    entries.emplace_back(names[s], style);
  }
  canvas.add(command + "\n");
  if (legend.shown)
    canvas.legend(legend.below ? Rectangle{left, right, 8.0 / kHeight, legend.height}
                               : Rectangle{right + 0.015, 0.995, bottom, top},
                  entries, legend.below);
  return canvas.finish();
}

}  // namespace pare::chart
