// Quality against what it costs: labelled points joined in order, in one panel or two.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "report/chart_canvas.h"
#include "report/chart_script.h"

namespace pare::report {
namespace {

constexpr int kWidth = 1600, kHeight = 900;
constexpr double kCharacter = 13.5, kLine = 26;  // pixels of a label

struct Box {
  double left, right, bottom, top;
  bool meets(const Box& other) const {
    return left < other.right && other.left < right && bottom < other.top && other.bottom < top;
  }
};

using Point = TradeOffChart::Point;

std::vector<Point> drawable(const TradeOffChart& chart, const TradeOffChart::Panel& panel) {
  std::vector<Point> points;
  for (Point point : panel.points) {
    if (chart.percent_y) point.y *= 100;
    if (std::isfinite(point.x) && std::isfinite(point.y) && (!chart.log_y || point.y > 0)) points.push_back(point);
  }
  return points;
}

double place_on(const Axis& axis, double value) {
  return axis.logarithmic ? std::log(value / axis.low) / std::log(axis.high / axis.low)
                          : (value - axis.low) / (axis.high - axis.low);
}

Axis x_axis(const std::vector<Point>& points) {
  double high = 1;
  for (const Point& point : points) high = std::max(high, point.x);
  Axis axis = linear_axis(0, high, TicText::kPlain, false, false, 6);
  axis.high = high * 1.1;  // room for the last label
  return axis;
}

Axis y_axis(const TradeOffChart& chart) {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const auto& panel : chart.panels)
    for (const Point& point : drawable(chart, panel)) {
      low = std::min(low, point.y);
      high = std::max(high, point.y);
    }
  if (!(low <= high)) low = chart.log_y ? 0.1 : 0, high = 1;
  const TicText text = chart.percent_y ? TicText::kPercent : TicText::kPlain;
  if (chart.log_y) return log_axis(low / 1.5, high * 1.5, text);
  Axis axis = linear_axis(std::min(0.0, low), std::max(high, low + 1e-3), text, true);
  axis.high += 0.06 * (axis.high - axis.low);
  return axis;
}

/// Where a label may stand: directions from its point, the best first, and how far out.
constexpr std::array<std::array<double, 2>, 8> kDirections = {
    {{0, 1}, {1, 1}, {-1, 1}, {1, 0}, {-1, 0}, {0, -1}, {1, -1}, {-1, -1}}};
constexpr int kRings = 4;

/// Places a label where it meets the least of what is there already, near its point rather than far.
Box place_label(double x, double y, double width, const Box& panel, const std::vector<Box>& taken, double& rings) {
  Box best{};
  double least = std::numeric_limits<double>::infinity();
  for (int ring = 1; ring <= kRings; ++ring)
    for (std::size_t direction = 0; direction < kDirections.size(); ++direction) {
      const auto [dx, dy] = kDirections[direction];
      const double cx = x + dx * (width / 2 + 4 + 8 * ring), cy = y + dy * (kLine * ring * 0.9 + 2);
      const Box box{cx - width / 2, cx + width / 2, cy - kLine / 2, cy + kLine / 2};
      double cost = 0.3 * (ring - 1) + 0.01 * static_cast<double>(direction);
      for (const Box& other : taken) cost += box.meets(other) ? 1 : 0;
      if (box.left < panel.left || box.right > panel.right + 10) cost += 2;
      if (box.bottom < panel.bottom || box.top > panel.top + 10) cost += 2;
      if (cost >= least) continue;
      least = cost;
      best = box;
      rings = ring;
    }
  return best;
}

/// Labels around their points so that none meets another, a point or the dense model's line; far ones get a leader.
void add_labels(Canvas& canvas, const Rectangle& place, const std::vector<Point>& points, const Axis& x,
                const Axis& y) {
  const Box panel{kWidth * place.left, kWidth * place.right, kHeight * place.bottom, kHeight * place.top};
  const auto across = [&](const Point& p) { return panel.left + (panel.right - panel.left) * place_on(x, p.x); };
  const auto up = [&](const Point& p) { return panel.bottom + (panel.top - panel.bottom) * place_on(y, p.y); };
  std::vector<Box> taken;
  for (const Point& point : points) {
    taken.push_back({across(point) - 11, across(point) + 11, up(point) - 11, up(point) + 11});
    if (point.dense) taken.push_back({panel.left, panel.right, up(point) - 2, up(point) + 2});
  }
  for (const Point& point : points) {
    double rings = 1;
    const double width = kCharacter * static_cast<double>(point.label.size()) + 6;
    const Box box = place_label(across(point), up(point), width, panel, taken, rings);
    taken.push_back(box);
    const double cx = (box.left + box.right) / 2 / kWidth, cy = (box.bottom + box.top) / 2 / kHeight;
    canvas.add(fmt::format("set label {} at screen {:.5f}, screen {:.5f} center front textcolor rgb '{}'\n",
                           gnuplot_string(shortened(point.label, 20)), cx, cy, point.dense ? kMark : kInk));
    if (rings > 1)
      canvas.add(
          fmt::format("set arrow from screen {:.5f}, screen {:.5f} to screen {:.5f}, screen {:.5f} nohead front "
                      "lw 0.8 lc rgb '{}'\n",
                      across(point) / kWidth, up(point) / kHeight, cx,
                      (up(point) < box.bottom ? box.bottom
                       : up(point) > box.top  ? box.top
                                              : up(point)) /
                          kHeight,
                      kFaint));
  }
}

}  // namespace

std::string trade_off_script(const TradeOffChart& chart, PictureFormat format) {
  Canvas canvas(format, kWidth, kHeight);
  const Axis y = y_axis(chart);
  const double left = canvas.left_margin(y), gap = 0.05, right = 0.98;
  const auto count = static_cast<double>(std::max<std::size_t>(chart.panels.size(), 1));
  const double width = (right - left - gap * (count - 1)) / count;
  for (std::size_t i = 0; i < chart.panels.size(); ++i) {
    const std::vector<Point> points = drawable(chart, chart.panels[i]);
    const Axis x = x_axis(points);
    canvas.add("unset label\nunset arrow\n");
    if (i == 0) canvas.title(chart.title, {});
    const double x0 = left + static_cast<double>(i) * (width + gap);
    const Rectangle place{x0, x0 + width, 110.0 / kHeight, 1 - 95.0 / kHeight};
    canvas.panel(place, x, y, i == 0);
    canvas.axis_labels(chart.panels[i].x_label, i == 0 ? chart.y_label : "");
    for (const Point& point : points)
      if (point.dense) canvas.mark_level(point.y, "");
    add_labels(canvas, place, points, x, y);
    std::vector<std::vector<double>> all, dense, pruned;
    for (const Point& point : points) {
      all.push_back({point.x, point.y});
      (point.dense ? dense : pruned).push_back({point.x, point.y});
    }
    std::string command = "plot NaN notitle";
    const auto add = [&](const char* name, const auto& rows, const std::string& style) {
      if (rows.empty()) return;
      const std::string data = fmt::format("{}{}", name, i);
      canvas.data(data, rows);
      command += fmt::format(", ${} using 1:2 with {} notitle", data, style);
    };
    add("path", all, fmt::format("lines lw 1.3 lc rgb '{}'", kInside));
    add("pruned", pruned, fmt::format("points pt 7 ps 1.7 lc rgb '{}'", kAbove));
    add("dense", dense, fmt::format("points pt 13 ps 2.4 lc rgb '{}'", kMark));
    canvas.add(command + "\n");
  }
  return canvas.finish();
}

}  // namespace pare::report
