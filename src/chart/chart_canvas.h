// What all charts have in common: the picture's size, title, panels, legend, colours.
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
  std::string colour;  ///< "#rrggbb"
  int dash = 1;        ///< gnuplot's dashtype
  int point = 7;       ///< gnuplot's pointtype
};

/// Of eight colours that colour-blind readers can tell apart (after Okabe and Ito 2008), then the same dashed.
Stroke category_stroke(std::size_t index);
/// From light to dark along one scale.
Stroke ordered_stroke(std::size_t index, std::size_t count);

inline constexpr std::string_view kInk = "#333333", kFaint = "#777777", kGrid = "#e4e4e4";
inline constexpr std::string_view kAbove = "#3b75af", kInside = "#b5bcc6", kMark = "#b5402a";

class Canvas {
 public:
  /// Size in pixels.
  Canvas(PictureFormat format, int width, int height);

  void title(std::string_view title, std::string_view subtitle);
  /// Where the leftmost panel begins, so that its tics' texts and label have room.
  double left_margin(const Axis& y) const;
  /// Begins a panel: margins, axes, grid. Tics carry texts only at the edges where they are asked for.
  void panel(const Rectangle& place, const Axis& x, const Axis& y, bool left_texts = true, bool bottom_texts = true);
  void panel_title(std::string_view title);
  void axis_labels(std::string_view x, std::string_view y);
  /// A dashed vertical line with its label above the plot.
  void mark(double x, const Axis& axis, std::string_view label);
  /// A dashed horizontal line across the panel, its label above it on the right.
  void mark_level(double y, std::string_view label);
  /// Text above the plot, at its right end.
  void note_right(std::string_view text);
  /// A legend in a place of its own, entries being a name and how it is drawn ("lines lw 3 lc ...").
  void legend(const Rectangle& place, const std::vector<std::pair<std::string, std::string>>& entries, bool in_rows);
  void add(std::string_view commands) { script_ += commands; }
  /// A named data block.
  void data(std::string_view name, const std::vector<std::vector<double>>& rows);

  std::string finish();

 private:
  std::string script_;
  Rectangle place_;  ///< of the panel begun last
  int width_, height_;
};

}  // namespace pare::chart
