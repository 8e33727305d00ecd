// The study's histogram, alone and as a grid over sparsities.
#include <fmt/format.h>

#include <algorithm>

#include "chart/chart.h"
#include "chart/chart_canvas.h"
#include "chart/chart_scales.h"

namespace pare::chart {
namespace {

/// Bars of bins [from, to) as rows of low edge, high edge, height; empty bins left out.
std::vector<std::vector<double>> bars(const Histogram& histogram, std::size_t from, std::size_t to) {
  std::vector<std::vector<double>> rows;
  const double gap = histogram.counts.size() > 120 ? 0 : 0.06 * (bin_edge(histogram, 1) - bin_edge(histogram, 0));
  for (std::size_t bin = from; bin < to; ++bin)
    if (histogram.counts[bin] != 0)
      rows.push_back({bin_edge(histogram, bin) + gap, bin_edge(histogram, bin + 1) - gap,
                      static_cast<double>(histogram.counts[bin])});
  return rows;
}

/// One element of a plot command: boxes between explicit edges, from the bottom of the axis.
std::string boxes(std::string_view data, std::string_view color) {
  return fmt::format("${} using (($1+$2)/2):3:($2-$1) with boxes fc rgb '{}' notitle", data, color);
}

void plot_bars(Canvas& canvas, const Histogram& histogram, double cutoff, std::string_view suffix) {
  const std::size_t divide = first_bin_above(histogram, cutoff);
  const std::string inside = fmt::format("inside{}", suffix), above = fmt::format("above{}", suffix);
  canvas.data(inside, bars(histogram, 0, divide));
  canvas.data(above, bars(histogram, divide, histogram.counts.size()));
  // A NaN first, so that gnuplot accepts a plot without bars.
  canvas.add("plot NaN notitle, " + boxes(inside, kInside) + ", " + boxes(above, kAbove));
  canvas.add("\n");
}

}  // namespace

std::string histogram_script(const HistogramChart& chart, PictureFormat format) {
  const Histogram& histogram = chart.histogram;
  Canvas canvas(format, 1600, 1000);
  canvas.title(chart.title, {});
  const auto [x, y] = histogram_axes(chart);
  canvas.panel({canvas.left_margin(y), 0.975, 0.105, 0.87}, x, y);
  canvas.axis_labels(value_name(chart.measure), bin_label(histogram));
  canvas.mark(chart.cutoff, x, cutoff_text(chart));
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
  const auto [x, y] = grid_axes(grid);
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
