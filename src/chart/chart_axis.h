// Axes of charts: ranges that fit the data, and readable tics. pare computes them instead of gnuplot, so that all
// panels agree and all labels are known.
#pragma once

#include <string>
#include <vector>

namespace pare::chart {

struct Tic {
  double at = 0;
  std::string text;
  bool minor = false;  ///< a short mark without text
};

struct Axis {
  double low = 0, high = 1;
  bool logarithmic = false;
  std::vector<Tic> tics;
};

/// How tic values are written: 0.25, 40 % (values are percent already), or 10k (counts).
enum class TicText : unsigned char { kPlain, kPercent, kCount };

/// About `wanted` tics at 1, 2 or 5 times a power of ten; with `integral`, at whole numbers only.
/// `round_up` moves the upper end to a tic, which it also is if it is nearly there.
Axis linear_axis(double low, double high, TicText text, bool round_up, bool integral = false, int wanted = 6);

/// Decades, thinned if there are many, with minor tics between neighbors; with one or two decades, also 2 and 5 times
/// each. low > 0.
Axis log_axis(double low, double high, TicText text);

/// "1", "250", "10k", "1.5M", "2G".
std::string short_count(double count);

/// Approximate width in pixels of the longest tic text.
double tic_text_width(const Axis& axis);

/// gnuplot's commands for the axis named `name` ('x' or 'y'); the texts are left out unless `labeled`.
std::string axis_commands(char name, const Axis& axis, bool labeled = true);

}  // namespace pare::chart
