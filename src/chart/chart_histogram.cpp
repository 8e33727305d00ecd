// The study's histogram, alone and as a grid over sparsities.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "chart/chart.h"
#include "chart/chart_canvas.h"
#include "pare/table.h"

namespace pare::chart {
namespace {

constexpr double kLowestCount = 0.6;  // lower end of a log axis, so that a bar of height 1 is visible
constexpr std::size_t kFewestBins = 10;

std::uint64_t total(const Histogram& histogram) {
  return std::accumulate(histogram.counts.begin(), histogram.counts.end(),
                         histogram.below + histogram.beyond + histogram.nans);
}

double edge(const Histogram& histogram, std::size_t bin) {
  return histogram.low + (histogram.high - histogram.low) * static_cast<double>(bin) /
                             static_cast<double>(std::max<std::size_t>(histogram.counts.size(), 1));
}

Axis count_axis(std::uint64_t highest) {
  return log_axis(kLowestCount, std::max(10.0, 1.4 * static_cast<double>(highest)), TicText::kCount);
}

/// Bars of bins [from, to) as rows of low edge, high edge, height; empty bins left out.
std::vector<std::vector<double>> bars(const Histogram& histogram, std::size_t from, std::size_t to) {
  std::vector<std::vector<double>> rows;
  const double gap = histogram.counts.size() > 120 ? 0 : 0.06 * (edge(histogram, 1) - edge(histogram, 0));
  for (std::size_t bin = from; bin < to; ++bin)
    if (histogram.counts[bin] != 0)
      rows.push_back(
          {edge(histogram, bin) + gap, edge(histogram, bin + 1) - gap, static_cast<double>(histogram.counts[bin])});
  return rows;
}

/// First bin that lies wholly above the cutoff.
std::size_t first_above(const Histogram& histogram, double cutoff) {
  std::size_t bin = 0;
  while (bin < histogram.counts.size() && edge(histogram, bin) < cutoff * (1 - 1e-9)) ++bin;
  return bin;
}

/// One element of a plot command: boxes between explicit edges, from the bottom of the axis.
std::string boxes(std::string_view data, std::string_view color) {
  return fmt::format("${} using (($1+$2)/2):3:($2-$1) with boxes fc rgb '{}' notitle", data, color);
}

std::string value_name(Measure measure) { return measure == Measure::kMagnitude ? "|w|" : "w"; }

std::string outside_text(const Histogram& histogram) {
  std::string text = fmt::format("{} of {} at or beyond {}", count_text(histogram.beyond), count_text(total(histogram)),
                                 histogram.high);
  if (histogram.below != 0) text += fmt::format(", {} below {}", count_text(histogram.below), histogram.low);
  if (histogram.nans != 0) text += fmt::format(", {} NaN", count_text(histogram.nans));
  return text;
}

void plot_bars(Canvas& canvas, const Histogram& histogram, double cutoff, std::string_view suffix) {
  const std::size_t divide = first_above(histogram, cutoff);
  const std::string inside = fmt::format("inside{}", suffix), above = fmt::format("above{}", suffix);
  canvas.data(inside, bars(histogram, 0, divide));
  canvas.data(above, bars(histogram, divide, histogram.counts.size()));
  // A NaN first, so that gnuplot accepts a plot without bars.
  canvas.add("plot NaN notitle, " + boxes(inside, kInside) + ", " + boxes(above, kAbove));
  canvas.add("\n");
}

/// Upper end of the axis that all panels share: after the last bar of all panels, and at least ten bins.
double shared_high(const HistogramGrid& grid) {
  double high = 0;
  for (const auto& panel : grid.panels) {
    const Histogram& histogram = panel.histogram;
    std::size_t bins = histogram.counts.size();
    if (histogram.beyond == 0)
      while (bins > kFewestBins && histogram.counts[bins - 1] == 0) --bins;
    high = std::max(high, edge(histogram, bins));
  }
  return high;
}

}  // namespace

std::string histogram_script(const HistogramChart& chart, PictureFormat format) {
  const Histogram& histogram = chart.histogram;
  Canvas canvas(format, 1600, 1000);
  canvas.title(chart.title, {});
  const std::uint64_t highest =
      histogram.counts.empty() ? 0 : *std::max_element(histogram.counts.begin(), histogram.counts.end());
  const Axis x = linear_axis(histogram.low, histogram.high, TicText::kPlain, false, false, 10);
  const Axis y = count_axis(highest);
  canvas.panel({canvas.left_margin(y), 0.975, 0.105, 0.87}, x, y);
  const double width = edge(histogram, 1) - edge(histogram, 0);
  canvas.axis_labels(value_name(chart.measure), fmt::format("parameters per bin of {:.4g}", width));
  std::string label = fmt::format("cutoff {}", chart.cutoff);
  if (chart.share)
    label += fmt::format(": {} {}", percent_text(*chart.share),
                         chart.measure == Measure::kMagnitude ? "above" : fmt::format("outside [0, {})", chart.cutoff));
  canvas.mark(chart.cutoff, x, label);
  canvas.note_right(outside_text(histogram));
  plot_bars(canvas, histogram, chart.cutoff, "");
  return canvas.finish();
}

std::string grid_script(const HistogramGrid& grid, PictureFormat format) {
  const std::size_t count = std::max<std::size_t>(grid.panels.size(), 1);
  const std::size_t columns = count == 1 ? 1 : (count <= 4 ? 2 : 3);
  const std::size_t rows = (count + columns - 1) / columns;
  const int height = static_cast<int>(150 + 430 * rows);
  Canvas canvas(format, 1600, height);
  std::uint64_t highest = 0;
  for (const auto& panel : grid.panels)
    for (const std::uint64_t bin : panel.histogram.counts) highest = std::max(highest, bin);
  const Axis y = count_axis(highest);
  const double high = shared_high(grid);
  const double left = canvas.left_margin(y), right = 0.985, top = 1 - 150.0 / height, bottom = 105.0 / height;
  const double gap_x = 0.025, gap_y = 85.0 / height;
  const double width = (right - left - gap_x * static_cast<double>(columns - 1)) / static_cast<double>(columns);
  const double tall = (top - bottom - gap_y * static_cast<double>(rows - 1)) / static_cast<double>(rows);
  for (std::size_t i = 0; i < grid.panels.size(); ++i) {
    const auto& panel = grid.panels[i];
    const std::size_t row = i / columns, column = i % columns;
    canvas.add("unset label\nunset arrow\n");
    if (i == 0) canvas.title(grid.title, {});
    const double x0 = left + static_cast<double>(column) * (width + gap_x);
    const double y1 = top - static_cast<double>(row) * (tall + gap_y);
    const Axis x = linear_axis(panel.histogram.low, high, TicText::kPlain, false, false, 5);
    const bool lowest = i + columns >= grid.panels.size();
    canvas.panel({x0, x0 + width, y1 - tall, y1}, x, y, column == 0, lowest);
    canvas.axis_labels(lowest ? value_name(grid.measure) : "", column == 0 ? "parameters per bin" : "");
    canvas.panel_title(panel.title);
    canvas.mark(grid.cutoff, x, {});
    if (!panel.note.empty()) canvas.note_right(panel.note);
    plot_bars(canvas, panel.histogram, grid.cutoff, std::to_string(i));
  }
  return canvas.finish();
}

}  // namespace pare::chart
