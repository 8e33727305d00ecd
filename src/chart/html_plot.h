// One plot of a chart on a page: axes, grid and marks as inline SVG. Places are percentages of the plot's area and
// texts have the size of the page's texts, so a plot fits any width without being drawn again.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "chart/chart_axis.h"
#include "table/html.h"

namespace pare::chart {

/// A value that a reader can point at, by mouse or keyboard.
struct Reading {
  double x = 0, y = 0;         ///< on the axes
  std::string x_text, y_text;  ///< as the reader sees them
};

class HtmlPlot {
 public:
  struct Texts {
    std::string description;  ///< for readers who cannot see it
    std::string title, note;  ///< above the plot; may be empty
    std::string x_label, y_label;
  };

  HtmlPlot(const Texts& texts, Axis x, Axis y);

  /// A dashed vertical or horizontal line with its label.
  void mark_x(double x, std::string_view label);
  void mark_y(double y, std::string_view label);

  /// Begins a series; what is drawn until end_series() has its color. `style` is a class of page.css.
  void begin_series(std::string_view name, std::string_view style, const std::vector<Reading>& readings);
  void end_series() { svg_.close(); }
  void line(const std::vector<Reading>& readings);
  /// A disc or, with `square`, a square.
  void dot(double x, double y, bool square = false);
  void error_bar(double x, double low, double high);
  /// From the bottom of the plot to y.
  void bar(double left, double right, double y, std::string_view style = {});
  void label(double x, double y, std::string_view text, bool below);

  std::string finish();

 private:
  std::string across(double x) const;
  std::string down(double y) const;
  std::string places(const std::vector<Reading>& readings) const;
  void add_axes();

  Texts texts_;
  Axis x_, y_;
  table::Html svg_;
};

}  // namespace pare::chart
