// The parts shared by all charts: size, title, panels, legend, colors.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "chart/chart_axis.h"
#include "chart/gnuplot.h"

namespace pare::chart {

/// Part of the picture in fractions of its width and height; the origin is at the bottom left.
struct Rectangle {
  double left = 0, right = 1, bottom = 0, top = 1;
};

/// How one series is drawn, as gnuplot's line options.
struct Stroke {
  std::string color;  ///< "#rrggbb"
  int dash = 1;       ///< gnuplot's dashtype
  int point = 7;      ///< gnuplot's pointtype
};

/// One of eight colors that color-blind readers can tell apart (after Okabe and Ito 2008), then the same ones dashed.
Stroke category_stroke(std::size_t index);
/// A color from light to dark along one scale.
Stroke ordered_stroke(std::size_t index, std::size_t count);

inline constexpr std::string_view kInk = "#333333", kFaint = "#777777", kGrid = "#e4e4e4";
inline constexpr std::string_view kAbove = "#3b75af", kInside = "#b5bcc6", kMark = "#b5402a";

class Canvas {
 public:
  /// Size in pixels.
  Canvas(PictureFormat format, int width, int height);

  void title(std::string_view title, std::string_view subtitle);
  /// Left edge of the leftmost panel, with room for the texts of its tics and its label.
  double left_margin(const Axis& y) const;
  /// Begins a panel: margins, axes, grid. Tics have texts only at the requested edges.
  void panel(const Rectangle& place, const Axis& x, const Axis& y, bool left_texts = true, bool bottom_texts = true);
  void panel_title(std::string_view title);
  void axis_labels(std::string_view x, std::string_view y);
  /// A dashed vertical line with its label above the plot.
  void mark(double x, const Axis& axis, std::string_view label);
  /// A dashed horizontal line across the panel, its label above it on the right.
  void mark_level(double y, std::string_view label);
  /// Adds text above the plot, at its right end.
  void note_right(std::string_view text);
  /// A legend outside the panels. Each entry is a name and its style ("lines lw 3 lc ...").
  void legend(const Rectangle& place, const std::vector<std::pair<std::string, std::string>>& entries, bool in_rows);
  void add(std::string_view commands) { script_ += commands; }
  /// A named data block.
  void data(std::string_view name, const std::vector<std::vector<double>>& rows);

  std::string finish();

 private:
  std::string script_;
  Rectangle place_;  ///< place of the panel that was begun last
  int width_, height_;
};

}  // namespace pare::chart
