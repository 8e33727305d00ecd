// Charts as gnuplot scripts: pure functions from data to text, which tests can compare.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "chart/gnuplot.h"
#include "pare/chart.h"

namespace pare::chart {

/// Histograms of one model at several sparsities, in a grid of panels with the same axes.
struct HistogramGrid {
  struct Panel {
    std::string title;
    Histogram histogram;
    std::string note;  ///< a few characters beside the title, e.g. "76M zeros"
  };
  std::string title;
  Measure measure = Measure::kMagnitude;
  double cutoff = 0.1;
  std::vector<Panel> panels;
};

/// Groups of bars: one group for each category, with one bar for each series.
struct BarChart {
  std::string title, x_label, y_label;
  std::vector<std::string> categories;
  std::vector<ChartSeries> series;  ///< y[i] belongs to categories[i], fractions; x is not used
};

/// Points of a trade-off, in one panel or two side by side: y over x, joined in the given order.
struct TradeOffChart {
  struct Point {
    double x = 0, y = 0;  ///< y a fraction where percent_y
    std::string label;
    bool dense = false;  ///< the point that others are compared with
  };
  struct Panel {
    std::string x_label;
    std::vector<Point> points;
  };
  std::string title, y_label;
  bool log_y = false, percent_y = false;
  std::vector<Panel> panels;
};

using AnyChart = std::variant<HistogramChart, HistogramGrid, LineChart, BarChart, TradeOffChart>;

std::string histogram_script(const HistogramChart& chart, PictureFormat format);
std::string line_script(const LineChart& chart, PictureFormat format);
std::string grid_script(const HistogramGrid& grid, PictureFormat format);
std::string bar_script(const BarChart& chart, PictureFormat format);
std::string trade_off_script(const TradeOffChart& chart, PictureFormat format);

/// Runs gnuplot and writes the picture to `file`, complete or not at all. Throws Error, Interrupted.
void draw(const HistogramGrid& grid, const std::filesystem::path& file, bool force = false,
          const Context& context = {});
void draw(const BarChart& chart, const std::filesystem::path& file, bool force = false, const Context& context = {});
void draw(const TradeOffChart& chart, const std::filesystem::path& file, bool force = false,
          const Context& context = {});

/// A gnuplot string in which nothing is interpreted: single-quoted, or where it holds single quotes
/// (doubled ones confuse gnuplot's scanner at the start of a string and side by side) double-quoted
/// with octal escapes. Control characters and malformed UTF-8 become '?'.
std::string gnuplot_string(std::string_view text);

/// Text shortened to `limit` characters, with an ellipsis if it was longer.
std::string shortened(std::string_view text, std::size_t limit);

}  // namespace pare::chart
