// Quality against what it costs: labelled points joined in order, in one panel or two.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "report/chart_canvas.h"
#include "report/chart_script.h"

namespace pare::report {
namespace {

constexpr int kWidth = 1600, kHeight = 900;
constexpr double kCharacter = 12.5, kLine = 26;  // pixels of a label

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

/// Places labels around their points so that none meets another or a point: eight places each, the best first.
void add_labels(Canvas& canvas, const Rectangle& place, const std::vector<Point>& points, const Axis& x,
                const Axis& y) {
  const auto across = [&](const Point& p) {
    return kWidth * (place.left + (place.right - place.left) * place_on(x, p.x));
  };
  const auto up = [&](const Point& p) {
    return kHeight * (place.bottom + (place.top - place.bottom) * place_on(y, p.y));
  };
  std::vector<Box> taken;
  for (const Point& point : points)
    taken.push_back({across(point) - 9, across(point) + 9, up(point) - 9, up(point) + 9});
  for (std::size_t i = 0; i < points.size(); ++i) {
    const double width = kCharacter * static_cast<double>(points[i].label.size());
    const double px = across(points[i]), py = up(points[i]);
    Box best{};
    double least = std::numeric_limits<double>::infinity();
    for (const double ring : {1.0, 2.0, 3.0})
      for (const auto& [dx, dy] : {std::pair{1.0, 1.0}, {1.0, 0.0}, {-1.0, 0.0}, {0.0, 1.0}, {0.0, -1.0}, {1.0, -1.0},
                                   {-1.0, 1.0}, {-1.0, -1.0}}) {
        const double cx = px + dx * (width / 2 + 8 + 6 * ring), cy = py + dy * (kLine * ring * 0.85 + 2);
        const Box box{cx - width / 2, cx + width / 2, cy - kLine / 2, cy + kLine / 2};
        double cost = 0.1 * ring;
        for (const Box& other : taken) cost += box.meets(other) ? 1 : 0;
        if (box.left < kWidth * place.left || box.right > kWidth * place.right + 10) cost += 2;
        if (box.bottom < kHeight * place.bottom || box.top > kHeight * place.top + 10) cost += 2;
        if (cost < least) {
          least = cost;
          best = box;
        }
      }
    taken.push_back(best);
    canvas.add(fmt::format("set label {} at screen {:.5f}, screen {:.5f} center front textcolor rgb '{}'\n",
                           gnuplot_string(shortened(points[i].label, 20)), (best.left + best.right) / 2 / kWidth,
                           (best.bottom + best.top) / 2 / kHeight, points[i].dense ? kMark : kInk));
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
