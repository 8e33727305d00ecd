// Charts for papers and reports: PNG or SVG files, drawn by gnuplot.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "pare/inspect.h"
#include "pare/results.h"
#include "pare/stats.h"

namespace pare {

/// The study's histogram: counts per bin on a log axis, with a mark at the cutoff and a note on values outside the
/// bins.
struct HistogramChart {
  std::string title;
  Histogram histogram;
  Measure measure = Measure::kMagnitude;
  double cutoff = 0.1;
  std::optional<double> share = {};  ///< share above the cutoff, a fraction, to show beside the mark
};

/// A named line: y over x. Lines of the same name have the same color in all panels.
struct ChartSeries {
  std::string name;
  std::vector<double> x, y;
  std::string panel = {};            ///< series of the same panel share a plot; panels are drawn side by side
  std::vector<double> y_error = {};  ///< standard errors, drawn as error bars: empty, or one per y
};

struct LineChart {
  std::string title, x_label, y_label;
  std::vector<ChartSeries> series;
  bool log_x = false, log_y = false;
  bool percent_y = false;          ///< y is a fraction, drawn as percent
  std::optional<double> marked_x;  ///< a dashed vertical line, e.g. the cutoff
  std::string marked_label;
  std::optional<double> marked_y = {};  ///< a dashed horizontal line, e.g. a baseline
  std::string marked_y_label = {};
  bool ordered = false;  ///< series have a natural order, e.g. levels, and are colored from light to dark
};

/// Throws Error (kUnavailable) if gnuplot, or the program that the environment variable PARE_GNUPLOT names, cannot be
/// run. Call it before long work whose result is to be drawn.
void require_gnuplot();

/// Draws a chart to `file`, whose extension (.png or .svg) determines the format. The file appears complete or not at
/// all; `force` replaces an existing file. Throws Error: kExists for an existing file without `force`, kArgument for
/// another extension, kUnavailable if gnuplot is missing or fails; also if the file cannot be written; Interrupted.
void draw(const HistogramChart& chart, const std::filesystem::path& file, bool force = false,
          const Context& context = {});
void draw(const LineChart& chart, const std::filesystem::path& file, bool force = false, const Context& context = {});

/// The shares of Inspection::spreads by layer: one line per group, one panel per stack. Cross-attention has a
/// panel of its own.
LineChart share_by_layer_chart(const Inspection& inspection);

/// The share of parameters with |w| >= c, over c on a log axis: one line per model. The points are at bin edges of the
/// sketches, where the share is exact. sketches[i] are those of the parameters of the model titles[i], of any dtypes.
LineChart cumulative_share_chart(const std::vector<std::string>& titles,
                                 const std::vector<std::vector<Sketch>>& sketches, double cutoff);

/// Degradation over layers; over levels if no unit belongs to a layer.
LineChart sensitivity_chart(const SensitivityResults& results);

}  // namespace pare
