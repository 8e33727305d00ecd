#include "chart/chart_html.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "chart/chart_scales.h"
#include "chart/html_plot.h"
#include "table/html.h"

namespace pare::chart {
namespace {

using table::Html;

constexpr std::size_t kMostDots = 64;       // points of a line, above which they have no dots
constexpr std::size_t kCategoryColors = 8;  // classes s0 to s7 in page.css
constexpr std::size_t kScaleSteps = 8;      // classes o0 to o8
constexpr std::size_t kDashes = 4;          // classes d1 to d3; 0 is a solid line

/// The color and the dashes of a series, as classes of page.css.
std::string series_style(std::size_t index, std::size_t count, bool ordered) {
  if (ordered) {
    const double place = count < 2 ? 1 : static_cast<double>(index) / static_cast<double>(count - 1);
    return fmt::format("o{}", std::lround(place * kScaleSteps));
  }
  const std::size_t round = index / kCategoryColors % kDashes;
  return fmt::format("s{}{}", index % kCategoryColors, round == 0 ? "" : fmt::format(" d{}", round));
}

bool is_square(std::size_t index, bool ordered) { return !ordered && index % 2 == 1; }

std::string value_text(double y, bool percent) {
  if (!percent) return number_text(y);
  return y != 0 && std::abs(y) < 0.01 ? fmt::format("{:.2g} %", y) : fmt::format("{:.2f} %", y);
}

std::string figure_html(std::string_view title, const std::string& legend, const std::vector<std::string>& plots) {
  Html html;
  html.open("figure", {{"class", "chart"}}).element("figcaption", title).append(legend);
  html.open("div", {{"class", plots.size() == 1 ? "plots" : "plots several"}});
  for (const std::string& plot : plots) html.append(plot);
  return html.close().close().append("\n").str();
}

struct LegendEntry {
  std::string name, style;
  bool square = false;
};

std::string legend_html(const std::vector<LegendEntry>& entries, bool bars) {
  if (entries.size() < 2) return {};
  Html html;
  html.open("ul", {{"class", "legend"}});
  for (const LegendEntry& entry : entries) {
    html.open("li").open("svg", {{"class", entry.style}, {"viewBox", "0 0 24 10"}, {"aria-hidden", "true"}});
    if (bars) {
      html.open("rect", {{"x", "4"}, {"y", "0"}, {"width", "16"}, {"height", "10"}}).close();
    } else {
      html.open("polyline", {{"points", "1,5 23,5"}}).close();
      if (entry.square)
        html.open("rect", {{"x", "8.5"}, {"y", "1.5"}, {"width", "7"}, {"height", "7"}}).close();
      else
        html.open("circle", {{"cx", "12"}, {"cy", "5"}, {"r", "3.8"}}).close();
    }
    html.close().text(entry.name).close();
  }
  return html.close().str();
}

std::vector<LegendEntry> line_legend(const std::vector<std::string>& names, bool ordered) {
  std::vector<LegendEntry> entries;
  for (std::size_t i = 0; i < names.size(); ++i)
    entries.push_back({names[i], series_style(i, names.size(), ordered), is_square(i, ordered)});
  return entries;
}

void add_bars(HtmlPlot& plot, const Histogram& histogram, double cutoff) {
  const std::size_t divide = first_bin_above(histogram, cutoff);
  std::vector<Reading> readings;
  for (std::size_t bin = 0; bin < histogram.counts.size(); ++bin) {
    if (histogram.counts[bin] == 0) continue;
    const double low = bin_edge(histogram, bin), high = bin_edge(histogram, bin + 1);
    readings.push_back({(low + high) / 2, static_cast<double>(histogram.counts[bin]),
                        fmt::format("{:.4g} to {:.4g}", low, high),
                        fmt::format("{} ({})", count_text(histogram.counts[bin]),
                                    percent_text(Share{histogram.counts[bin], elements_of(histogram)}))});
  }
  plot.begin_series("", "bars", readings);
  for (std::size_t bin = 0; bin < histogram.counts.size(); ++bin) {
    if (histogram.counts[bin] == 0) continue;
    const double low = bin_edge(histogram, bin), high = bin_edge(histogram, bin + 1), gap = 0.06 * (high - low);
    plot.bar(low + gap, high - gap, static_cast<double>(histogram.counts[bin]), bin < divide ? "inside" : "above");
  }
  plot.end_series();
}

std::string chart_html(const HistogramChart& chart, std::string_view description) {
  const Axes axes = histogram_axes(chart);
  HtmlPlot plot({std::string(description), "", outside_text(chart.histogram), value_name(chart.measure),
                 bin_label(chart.histogram)},
                axes.x, axes.y);
  add_bars(plot, chart.histogram, chart.cutoff);
  plot.mark_x(chart.cutoff, cutoff_text(chart));
  return figure_html(chart.title, {}, {plot.finish()});
}

/// The part of a histogram that lies on the panels' axis.
Histogram shown_part(Histogram histogram, double high) {
  std::size_t bins = histogram.counts.size();
  while (bins > 0 && bin_edge(histogram, bins) > high * (1 + 1e-9)) --bins;
  const double end = bin_edge(histogram, bins);
  for (std::size_t bin = bins; bin < histogram.counts.size(); ++bin) histogram.beyond += histogram.counts[bin];
  histogram.counts.resize(bins);
  histogram.high = end;
  return histogram;
}

std::string chart_html(const HistogramGrid& grid, std::string_view description) {
  const Axes axes = grid_axes(grid);
  std::vector<std::string> plots;
  for (const HistogramGrid::Panel& panel : grid.panels) {
    HtmlPlot plot({fmt::format("{}: {}", description, panel.title), panel.title, panel.note, value_name(grid.measure),
                   bin_label(panel.histogram)},
                  axes.x, axes.y);
    add_bars(plot, shown_part(panel.histogram, axes.x.high), grid.cutoff);
    plot.mark_x(grid.cutoff, "");
    plots.push_back(plot.finish());
  }
  return figure_html(grid.title, {}, plots);
}

void add_series(HtmlPlot& plot, const LineChart& chart, const ChartSeries& series, const LegendEntry& entry) {
  std::vector<Reading> readings;
  const auto points = line_points(chart, series);
  for (const auto& point : points) {
    std::string text = value_text(point[1], chart.percent_y);
    if (point.size() == 4 && point[3] > point[1]) text += " ± " + value_text(point[3] - point[1], chart.percent_y);
    readings.push_back({point[0], point[1], fmt::format("{:.4g}", point[0]), text});
  }
  if (readings.empty()) return;
  plot.begin_series(series.name, entry.style, readings);
  plot.line(readings);
  for (const auto& point : points) {
    if (point.size() == 4) plot.error_bar(point[0], point[2], point[3]);
    if (points.size() <= kMostDots) plot.dot(point[0], point[1], entry.square);
  }
  plot.end_series();
}

std::string chart_html(const LineChart& chart, std::string_view description) {
  std::vector<std::string> panels = distinct(chart, &ChartSeries::panel);
  if (panels.empty()) panels.emplace_back();
  const std::vector<std::string> names = distinct(chart, &ChartSeries::name);
  const std::vector<LegendEntry> entries = line_legend(names, chart.ordered);
  const Axes axes = line_axes(chart, panels.size());
  std::vector<std::string> plots;
  for (const std::string& panel : panels) {
    const std::string where = panel.empty() ? std::string(description) : fmt::format("{}: {}", description, panel);
    HtmlPlot plot({where, panel, "", chart.x_label, chart.y_label}, axes.x, axes.y);
    if (chart.marked_x) plot.mark_x(*chart.marked_x, chart.marked_label);
    if (chart.marked_y && std::isfinite(*chart.marked_y) && !(chart.log_y && *chart.marked_y <= 0))
      plot.mark_y(*chart.marked_y * (chart.percent_y ? 100 : 1), chart.marked_y_label);
    for (const ChartSeries& series : chart.series) {
      const auto at = std::find(names.begin(), names.end(), series.name) - names.begin();
      if (series.panel == panel) add_series(plot, chart, series, entries[static_cast<std::size_t>(at)]);
    }
    plots.push_back(plot.finish());
  }
  return figure_html(chart.title, legend_html(entries, false), plots);
}

std::string chart_html(const BarChart& chart, std::string_view description) {
  const Axes axes = bar_axes(chart);
  std::vector<LegendEntry> entries;
  for (std::size_t s = 0; s < chart.series.size(); ++s)
    entries.push_back({chart.series[s].name, series_style(s, chart.series.size(), false)});
  HtmlPlot plot({std::string(description), "", "", chart.x_label, chart.y_label}, axes.x, axes.y);
  const double width = 0.8 / static_cast<double>(std::max<std::size_t>(chart.series.size(), 1));
  for (std::size_t s = 0; s < chart.series.size(); ++s) {
    const ChartSeries& series = chart.series[s];
    std::vector<Reading> readings;
    for (std::size_t i = 0; i < std::min(series.y.size(), chart.categories.size()); ++i)
      if (std::isfinite(series.y[i]))
        readings.push_back({static_cast<double>(i) - 0.4 + width * (static_cast<double>(s) + 0.5), 100 * series.y[i],
                            chart.categories[i], percent_text(series.y[i])});
    plot.begin_series(series.name, entries[s].style, readings);
    for (const Reading& reading : readings) plot.bar(reading.x - 0.46 * width, reading.x + 0.46 * width, reading.y);
    plot.end_series();
  }
  return figure_html(chart.title, legend_html(entries, true), {plot.finish()});
}

std::string chart_html(const TradeOffChart& chart, std::string_view description) {
  const Axis y = trade_off_y(chart);
  std::vector<std::string> plots;
  for (const TradeOffChart::Panel& panel : chart.panels) {
    const auto points = trade_off_points(chart, panel);
    HtmlPlot plot({fmt::format("{}: {}", description, panel.x_label), "", "", panel.x_label, chart.y_label},
                  trade_off_x(points), y);
    std::vector<Reading> readings;
    for (const TradeOffChart::Point& point : points) {
      if (point.dense) plot.mark_y(point.y, "");
      readings.push_back({point.x, point.y, fmt::format("{} ({})", number_text(point.x), point.label),
                          value_text(point.y, chart.percent_y)});
    }
    plot.begin_series("", "points s0", readings);
    plot.line(readings);
    for (std::size_t i = 0; i < points.size(); ++i) {
      plot.dot(points[i].x, points[i].y, points[i].dense);
      // Neighbors have their labels on different sides, so that fewer overlap.
      plot.label(points[i].x, points[i].y, shortened(points[i].label, 20), i % 2 == 1);
    }
    plot.end_series();
    plots.push_back(plot.finish());
  }
  return figure_html(chart.title, {}, plots);
}

}  // namespace

std::string to_html(const AnyChart& chart, std::string_view description) {
  return std::visit([&](const auto& one) { return chart_html(one, description); }, chart);
}

}  // namespace pare::chart
