#include "chart/chart_scales.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "pare/table.h"

namespace pare::chart {
namespace {

constexpr double kLowestCount = 0.6;  // lower end of a log axis, so that a bar of height 1 is visible
constexpr std::size_t kFewestBins = 10;

struct Range {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  void cover(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  bool empty() const { return !(low <= high); }
};

Axis line_x_axis(const LineChart& chart, const Range& x, bool integral, std::size_t panels) {
  if (chart.log_x) return log_axis(x.low, x.high, TicText::kPlain);
  const int wanted = panels == 1 ? 12 : 8;
  Axis axis = linear_axis(x.low, x.high, TicText::kPlain, false, integral, wanted);
  const double room = 0.025 * (axis.high - axis.low);
  axis.low -= room;
  axis.high += room;
  return axis;
}

Axis line_y_axis(const LineChart& chart, const Range& y) {
  const TicText text = chart.percent_y ? TicText::kPercent : TicText::kPlain;
  if (chart.log_y) return log_axis(y.low / 1.5, y.high * 1.5, text);
  const double low = std::min(0.0, y.low);
  const double ceiling = chart.percent_y && y.high <= 100 ? 100 : std::numeric_limits<double>::infinity();
  Axis axis = linear_axis(low, y.high > low ? y.high : low + (chart.percent_y ? 0.01 : 1), text, true);
  axis.high = std::min(axis.high, ceiling);
  axis.high += 0.012 * (axis.high - axis.low);  // so that a line at the top is fully visible
  return axis;
}

Axis count_axis(std::uint64_t highest) {
  return log_axis(kLowestCount, std::max(10.0, 1.4 * static_cast<double>(highest)), TicText::kCount);
}

/// Upper end of the axis that all panels share: after the last bar of all panels, and at least ten bins.
double shared_high(const HistogramGrid& grid) {
  double high = 0;
  for (const auto& panel : grid.panels) {
    const Histogram& histogram = panel.histogram;
    std::size_t bins = histogram.counts.size();
    if (histogram.beyond == 0)
      while (bins > kFewestBins && histogram.counts[bins - 1] == 0) --bins;
    high = std::max(high, bin_edge(histogram, bins));
  }
  return high;
}

}  // namespace

double place_on(const Axis& axis, double value) {
  return axis.logarithmic ? std::log(value / axis.low) / std::log(axis.high / axis.low)
                          : (value - axis.low) / (axis.high - axis.low);
}

std::vector<std::string> distinct(const LineChart& chart, std::string ChartSeries::*field) {
  std::vector<std::string> names;
  for (const ChartSeries& series : chart.series)
    if (std::find(names.begin(), names.end(), series.*field) == names.end()) names.push_back(series.*field);
  return names;
}

std::vector<std::vector<double>> line_points(const LineChart& chart, const ChartSeries& series) {
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

Axes line_axes(const LineChart& chart, std::size_t panels) {
  Range x, y;
  bool integral = !chart.log_x;
  for (const ChartSeries& series : chart.series)
    for (const auto& point : line_points(chart, series)) {
      x.cover(point[0]);
      y.cover(point[1]);
      if (point.size() == 4) y.cover(point[3]);
      integral = integral && point[0] == std::floor(point[0]);
    }
  if (chart.marked_y && std::isfinite(*chart.marked_y) && !(chart.log_y && *chart.marked_y <= 0))
    y.cover(*chart.marked_y * (chart.percent_y ? 100 : 1));
  if (x.empty()) x = {chart.log_x ? 0.1 : 0, 1};
  if (y.empty()) y = {chart.log_y ? 0.1 : 0, 1};
  return {line_x_axis(chart, x, integral, panels), line_y_axis(chart, y)};
}

Axes bar_axes(const BarChart& chart) {
  double highest = 0;
  for (const ChartSeries& series : chart.series)
    for (const double y : series.y)
      if (std::isfinite(y)) highest = std::max(highest, 100 * y);
  Axis x;
  x.low = -0.6;
  x.high = static_cast<double>(chart.categories.size()) - 0.4;
  for (std::size_t i = 0; i < chart.categories.size(); ++i)
    x.tics.push_back({static_cast<double>(i), shortened(chart.categories[i], 18)});
  return {x, linear_axis(0, highest > 0 ? highest : 1, TicText::kPercent, true)};
}

double bin_edge(const Histogram& histogram, std::size_t bin) {
  return histogram.low + (histogram.high - histogram.low) * static_cast<double>(bin) /
                             static_cast<double>(std::max<std::size_t>(histogram.counts.size(), 1));
}

std::size_t first_bin_above(const Histogram& histogram, double cutoff) {
  std::size_t bin = 0;
  while (bin < histogram.counts.size() && bin_edge(histogram, bin) < cutoff * (1 - 1e-9)) ++bin;
  return bin;
}

std::uint64_t elements_of(const Histogram& histogram) {
  return std::accumulate(histogram.counts.begin(), histogram.counts.end(),
                         histogram.below + histogram.beyond + histogram.nans);
}

std::string value_name(Measure measure) { return measure == Measure::kMagnitude ? "|w|" : "w"; }

std::string bin_label(const Histogram& histogram) {
  return fmt::format("parameters per bin of {:.4g}", bin_edge(histogram, 1) - bin_edge(histogram, 0));
}

std::string outside_text(const Histogram& histogram) {
  std::string text = fmt::format("{} of {} at or beyond {}", count_text(histogram.beyond),
                                 count_text(elements_of(histogram)), histogram.high);
  if (histogram.below != 0) text += fmt::format(", {} below {}", count_text(histogram.below), histogram.low);
  if (histogram.nans != 0) text += fmt::format(", {} NaN", count_text(histogram.nans));
  return text;
}

std::string cutoff_text(const HistogramChart& chart) {
  std::string label = fmt::format("cutoff {}", chart.cutoff);
  if (chart.share)
    label += fmt::format(": {} {}", percent_text(*chart.share),
                         chart.measure == Measure::kMagnitude ? "above" : fmt::format("outside [0, {})", chart.cutoff));
  return label;
}

Axes histogram_axes(const HistogramChart& chart) {
  const Histogram& histogram = chart.histogram;
  const std::uint64_t highest =
      histogram.counts.empty() ? 0 : *std::max_element(histogram.counts.begin(), histogram.counts.end());
  return {linear_axis(histogram.low, histogram.high, TicText::kPlain, false, false, 10), count_axis(highest)};
}

Axes grid_axes(const HistogramGrid& grid) {
  std::uint64_t highest = 0;
  for (const auto& panel : grid.panels)
    for (const std::uint64_t bin : panel.histogram.counts) highest = std::max(highest, bin);
  const double low = grid.panels.empty() ? 0 : grid.panels.front().histogram.low;
  return {linear_axis(low, shared_high(grid), TicText::kPlain, false, false, 5), count_axis(highest)};
}

std::vector<TradeOffChart::Point> trade_off_points(const TradeOffChart& chart, const TradeOffChart::Panel& panel) {
  std::vector<TradeOffChart::Point> points;
  for (TradeOffChart::Point point : panel.points) {
    if (chart.percent_y) point.y *= 100;
    if (std::isfinite(point.x) && std::isfinite(point.y) && (!chart.log_y || point.y > 0)) points.push_back(point);
  }
  return points;
}

Axis trade_off_x(const std::vector<TradeOffChart::Point>& points) {
  double high = 1;
  for (const TradeOffChart::Point& point : points) high = std::max(high, point.x);
  Axis axis = linear_axis(0, high, TicText::kPlain, false, false, 6);
  axis.high = high * 1.1;  // room for the last label
  return axis;
}

Axis trade_off_y(const TradeOffChart& chart) {
  Range y;
  for (const auto& panel : chart.panels)
    for (const TradeOffChart::Point& point : trade_off_points(chart, panel)) y.cover(point.y);
  if (y.empty()) y = {chart.log_y ? 0.1 : 0, 1};
  const TicText text = chart.percent_y ? TicText::kPercent : TicText::kPlain;
  if (chart.log_y) return log_axis(y.low / 1.5, y.high * 1.5, text);
  Axis axis = linear_axis(std::min(0.0, y.low), std::max(y.high, y.low + 1e-3), text, true);
  axis.high += 0.06 * (axis.high - axis.low);
  return axis;
}

}  // namespace pare::chart
