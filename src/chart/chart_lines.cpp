// Line charts, in one panel or several side by side.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "chart/chart.h"
#include "chart/chart_canvas.h"
#include "chart/chart_scales.h"

namespace pare::chart {
namespace {

constexpr std::size_t kMostMarkedPoints = 64;
constexpr std::size_t kLongestSideName = 26;

Stroke stroke_of(const LineChart& chart, const ChartSeries& series, const std::vector<std::string>& names) {
  const auto index = static_cast<std::size_t>(std::find(names.begin(), names.end(), series.name) - names.begin());
  return chart.ordered ? ordered_stroke(index, names.size()) : category_stroke(index);
}

std::string style(const LineChart& chart, const ChartSeries& series, const std::vector<std::string>& names) {
  const Stroke stroke = stroke_of(chart, series, names);
  const bool marked = series.x.size() <= kMostMarkedPoints;
  return fmt::format("{} lw 1.7 dt {} lc rgb '{}'{}", marked ? "linespoints" : "lines", stroke.dash, stroke.color,
                     marked ? fmt::format(" pt {} ps 1.1", stroke.point) : "");
}

void plot_panel(Canvas& canvas, const LineChart& chart, const std::string& panel, const std::vector<std::string>& names,
                std::size_t number) {
  std::string command = "plot NaN notitle";
  for (std::size_t i = 0; i < chart.series.size(); ++i) {
    if (chart.series[i].panel != panel) continue;
    const auto rows = line_points(chart, chart.series[i]);
    if (rows.empty()) continue;
    const std::string data = fmt::format("line{}_{}", number, i);
    canvas.data(data, rows);
    if (rows.front().size() == 4)
      command += fmt::format(", ${} using 1:2:3:4 with yerrorbars pt 0 lw 1.4 lc rgb '{}' notitle", data,
                             stroke_of(chart, chart.series[i], names).color);
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
  const Axes axes = line_axes(chart, count);
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
  for (const ChartSeries& series : chart.series) names.push_back(series.name);
  const Legend legend = plan_legend(names, kHeight);
  const auto [x, y] = bar_axes(chart);
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
