// Charts that could go in a paper: PNG or SVG, drawn by gnuplot.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "pare/inspect.h"
#include "pare/results.h"
#include "pare/stats.h"

namespace pare {

/// The study's histogram: log counts per bin, the cutoff marked, what falls beyond the last bin told.
struct HistogramChart {
  std::string title;
  Histogram histogram;
  Measure measure = Measure::kMagnitude;
  double cutoff = 0.1;
  std::optional<double> share = {};  ///< share above the cutoff, a fraction, to be told beside the mark
};

/// A named line: y over x. Lines of one name have one color, whatever panel they are in.
struct ChartSeries {
  std::string name;
  std::vector<double> x, y;
  std::string panel = {};            ///< series of one panel share a plot; panels stand side by side
  std::vector<double> y_error = {};  ///< standard errors, drawn as bars; as many as y, or none
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
  bool ordered = false;  ///< series follow a scale, e.g. levels: colored light to dark
};

/// Throws Error if gnuplot (or the program that PARE_GNUPLOT names) cannot be run: to be told before hours of work.
void require_gnuplot();

/// Draws into `file`, whose extension (.png or .svg) chooses the format. Written whole or not at
/// all; `force` replaces an existing file. Throws Error for an existing file, another extension, a missing gnuplot, a
/// gnuplot that fails, a full disk.
void draw(const HistogramChart& chart, const std::filesystem::path& file, bool force = false,
          const Context& context = {});
void draw(const LineChart& chart, const std::filesystem::path& file, bool force = false, const Context& context = {});

/// Share above the cutoff by layer, one line per group (and stack).
LineChart share_by_layer_chart(const Inspection& inspection);

/// Share of |w| above c against c (log axis), one line per model; exact at every sketch bin edge.
/// `sketches[i]` are those of models[i]'s parameters, of any dtypes.
LineChart cumulative_share_chart(const std::vector<std::string>& titles,
                                 const std::vector<std::vector<Sketch>>& sketches, double cutoff);

/// Degradation by layer, or against the level where no unit belongs to a layer.
LineChart sensitivity_chart(const SensitivityResults& results);

}  // namespace pare
