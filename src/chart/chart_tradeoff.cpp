// Quality against cost: labeled points joined in order, in one panel or two.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "chart/chart.h"
#include "chart/chart_canvas.h"
#include "chart/chart_scales.h"

namespace pare::chart {
namespace {

constexpr int kWidth = 1600, kHeight = 900;
constexpr double kCharacter = 13.5, kLine = 26;  // pixels of a label

struct Box {
  double left, right, bottom, top;
  bool meets(const Box& other) const {
    return left < other.right && other.left < right && bottom < other.top && other.bottom < top;
  }
};

/// Whether a line from one place to another passes through the box.
bool crosses(const std::array<double, 2>& from, const std::array<double, 2>& to, const Box& box) {
  double begin = 0, end = 1;  // the part of the line inside the sides checked so far
  const auto narrow = [&](double start, double step, double low, double high) {
    if (step == 0) return start > low && start < high;
    begin = std::max(begin, ((step > 0 ? low : high) - start) / step);
    end = std::min(end, ((step > 0 ? high : low) - start) / step);
    return begin < end;
  };
  return narrow(from[0], to[0] - from[0], box.left, box.right) && narrow(from[1], to[1] - from[1], box.bottom, box.top);
}

using Point = TradeOffChart::Point;

/// Candidate places of a label: directions from its point, best first, and distances.
constexpr std::array<std::array<double, 2>, 8> kDirections = {
    {{0, 1}, {0, -1}, {1, 0}, {-1, 0}, {1, 1}, {-1, 1}, {1, -1}, {-1, -1}}};
constexpr int kRings = 5;

struct Place {
  Box label{};
  bool leader = false;  ///< a thin line from the point to a distant label
};

/// The points and labels of one panel in pixels.
class Labels {
 public:
  Labels(const Rectangle& place, const std::vector<Point>& points, const Axis& x, const Axis& y)
      : panel_{kWidth * place.left, kWidth * place.right, kHeight * place.bottom, kHeight * place.top} {
    for (const Point& point : points) {
      centers_.push_back({panel_.left + (panel_.right - panel_.left) * place_on(x, point.x),
                          panel_.bottom + (panel_.top - panel_.bottom) * place_on(y, point.y)});
      const auto [px, py] = centers_.back();
      taken_.push_back({px - 11, px + 11, py - 11, py + 11});
      if (point.dense) taken_.push_back({panel_.left, panel_.right, py - 2, py + 2});
    }
  }

  const std::array<double, 2>& center(std::size_t point) const { return centers_[point]; }

  /// The place where the label of a point overlaps least with existing marks and cannot be mistaken for another
  /// point's.
  Place put(std::size_t point, double width) {
    Place best;
    double least = std::numeric_limits<double>::infinity();
    for (int ring = 1; ring <= kRings; ++ring)
      for (std::size_t direction = 0; direction < kDirections.size(); ++direction) {
        const auto [dx, dy] = kDirections[direction];
        const auto [px, py] = centers_[point];
        const double cx = px + dx * (width / 2 + 4 + 8 * ring), cy = py + dy * (kLine * (1.02 * ring - 0.1) + 2);
        const Box box{cx - width / 2, cx + width / 2, cy - kLine / 2, cy + kLine / 2};
        const bool leader = ring > 1 || direction >= 4;
        const double price = cost(point, box) + 0.3 * (ring - 1) + 0.03 * static_cast<double>(direction) +
                             (leader ? 0.2 + towards_another(point, cx) : nearer_to_another(point, cx, cy));
        if (price >= least) continue;
        least = price;
        best = {box, leader};
      }
    taken_.push_back(best.label);
    return best;
  }

 private:
  double cost(std::size_t point, const Box& box) const {
    double total = 0;
    for (const Box& other : taken_) total += box.meets(other) ? 1 : 0;
    for (std::size_t i = 1; i < centers_.size(); ++i) total += crosses(centers_[i - 1], centers_[i], box) ? 0.4 : 0;
    // Keeps clear of the axis and the next panel.
    if (box.left < panel_.left || box.right > panel_.right + 10) total += 2;
    if (box.bottom < panel_.bottom || box.top > panel_.top + 10) total += 2;
    const Box leader{std::min(centers_[point][0], (box.left + box.right) / 2) - 1,
                     std::max(centers_[point][0], (box.left + box.right) / 2) + 1,
                     std::min(centers_[point][1] + 12, box.top), std::max(centers_[point][1] - 12, box.bottom)};
    for (std::size_t i = centers_.size(); i < taken_.size(); ++i) total += leader.meets(taken_[i]) ? 0.3 : 0;
    return total;
  }

  /// Whether the leader of a label on this side would cross that of a nearby point.
  double towards_another(std::size_t point, double x) const {
    const auto [px, py] = centers_[point];
    for (std::size_t i = 0; i < centers_.size(); ++i)
      if (i != point && std::hypot(centers_[i][0] - px, centers_[i][1] - py) < 60 &&
          (centers_[i][0] - px) * (x - px) > 0)
        return 0.5;
    return 0;
  }

  double nearer_to_another(std::size_t point, double x, double y) const {
    const auto distance = [&](const std::array<double, 2>& at) { return std::hypot(at[0] - x, at[1] - y); };
    for (std::size_t i = 0; i < centers_.size(); ++i)
      if (i != point && distance(centers_[i]) < distance(centers_[point]) + 8) return 0.6;
    return 0;
  }

  Box panel_;
  std::vector<std::array<double, 2>> centers_;
  std::vector<Box> taken_;
};

void add_labels(Canvas& canvas, const Rectangle& place, const std::vector<Point>& points, const Axis& x,
                const Axis& y) {
  Labels labels(place, points, x, y);
  for (std::size_t i = 0; i < points.size(); ++i) {
    const double width = kCharacter * static_cast<double>(points[i].label.size()) + 16;
    const auto [box, leader] = labels.put(i, width);
    const double cx = (box.left + box.right) / 2, cy = (box.bottom + box.top) / 2;
    canvas.add(fmt::format("set label {} at screen {:.5f}, screen {:.5f} center front textcolor rgb '{}'\n",
                           gnuplot_string(shortened(points[i].label, 20)), cx / kWidth, cy / kHeight,
                           points[i].dense ? kMark : kInk));
    if (!leader) continue;
    const auto [px, py] = labels.center(i);
    const double end_y = py < box.bottom ? box.bottom : py > box.top ? box.top : cy;
    const double end_x = end_y == cy ? (px < cx ? box.left : box.right) : std::clamp(px, box.left + 8, box.right - 8);
    canvas.add(
        fmt::format("set arrow from screen {:.5f}, screen {:.5f} to screen {:.5f}, screen {:.5f} nohead front "
                    "lw 0.8 lc rgb '{}'\n",
                    px / kWidth, py / kHeight, end_x / kWidth, end_y / kHeight, kFaint));
  }
}

}  // namespace

std::string trade_off_script(const TradeOffChart& chart, PictureFormat format) {
  Canvas canvas(format, kWidth, kHeight);
  const Axis y = trade_off_y(chart);
  const double left = canvas.left_margin(y), gap = 0.05, right = 0.98;
  const auto count = static_cast<double>(std::max<std::size_t>(chart.panels.size(), 1));
  const double width = (right - left - gap * (count - 1)) / count;
  for (std::size_t i = 0; i < chart.panels.size(); ++i) {
    const std::vector<Point> points = trade_off_points(chart, chart.panels[i]);
    const Axis x = trade_off_x(points);
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

}  // namespace pare::chart
