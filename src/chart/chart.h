// Charts as gnuplot scripts: pure functions from data to text, so that they can be tested as text.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
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

/// Bars in groups: one group per category, one bar in it per series.
struct BarChart {
  std::string title, x_label, y_label;
  std::vector<std::string> categories;
  std::vector<ChartSeries> series;  ///< y[i] belongs to categories[i], fractions; x is not used
};

/// Points that trade one thing for another, in one panel or two side by side: y over x, joined in their order.
struct TradeOffChart {
  struct Point {
    double x = 0, y = 0;  ///< y a fraction where percent_y
    std::string label;
    bool dense = false;  ///< what the others are compared with
  };
  struct Panel {
    std::string x_label;
    std::vector<Point> points;
  };
  std::string title, y_label;
  bool log_y = false, percent_y = false;
  std::vector<Panel> panels;
};

std::string histogram_script(const HistogramChart& chart, PictureFormat format);
std::string line_script(const LineChart& chart, PictureFormat format);
std::string grid_script(const HistogramGrid& grid, PictureFormat format);
std::string bar_script(const BarChart& chart, PictureFormat format);
std::string trade_off_script(const TradeOffChart& chart, PictureFormat format);

/// Runs gnuplot and writes the picture to `file`, whole or not at all. Throws Error, Interrupted.
void draw(const HistogramGrid& grid, const std::filesystem::path& file, bool force = false,
          const Context& context = {});
void draw(const BarChart& chart, const std::filesystem::path& file, bool force = false, const Context& context = {});
void draw(const TradeOffChart& chart, const std::filesystem::path& file, bool force = false,
          const Context& context = {});

/// A gnuplot string in which nothing is interpreted: single-quoted, or where it holds single quotes
/// (doubled ones confuse gnuplot's scanner at the start of a string and side by side) double-quoted
/// with octal escapes. Control characters and malformed UTF-8 become '?'.
std::string gnuplot_string(std::string_view text);

/// Text cut to `limit` characters, with an ellipsis where something was cut.
std::string shortened(std::string_view text, std::size_t limit);

}  // namespace pare::chart
