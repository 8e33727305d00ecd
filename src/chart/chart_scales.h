// What the charts show and on which axes, whichever program draws them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "chart/chart.h"
#include "chart/chart_axis.h"

namespace pare::chart {

struct Axes {
  Axis x, y;
};

/// Place of a value on an axis, as a fraction of its length.
double place_on(const Axis& axis, double value);

/// Names or panels of the series, in order of first appearance.
std::vector<std::string> distinct(const LineChart& chart, std::string ChartSeries::*field);
/// The points that can be drawn on the chart's axes, with values converted to percent: rows of x and y or, with
/// standard errors, of x, y, and the ends of the error bar.
std::vector<std::vector<double>> line_points(const LineChart& chart, const ChartSeries& series);
/// The axes that all panels of the chart share.
Axes line_axes(const LineChart& chart, std::size_t panels);
Axes bar_axes(const BarChart& chart);

/// Lower edge of a bin.
double bin_edge(const Histogram& histogram, std::size_t bin);
/// First bin that lies wholly above the cutoff.
std::size_t first_bin_above(const Histogram& histogram, double cutoff);
std::uint64_t elements_of(const Histogram& histogram);
/// "|w|" or "w".
std::string value_name(Measure measure);
/// "parameters per bin of 0.1".
std::string bin_label(const Histogram& histogram);
/// "12 of 3,456 at or beyond 5, 1 NaN".
std::string outside_text(const Histogram& histogram);
/// "cutoff 0.1: 43.82 % above".
std::string cutoff_text(const HistogramChart& chart);
Axes histogram_axes(const HistogramChart& chart);
/// The axes that all panels share.
Axes grid_axes(const HistogramGrid& grid);

/// The points that can be drawn, with values converted to percent.
std::vector<TradeOffChart::Point> trade_off_points(const TradeOffChart& chart, const TradeOffChart::Panel& panel);
Axis trade_off_x(const std::vector<TradeOffChart::Point>& points);
/// The axis that all panels share.
Axis trade_off_y(const TradeOffChart& chart);

}  // namespace pare::chart
