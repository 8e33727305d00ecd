#include "calibrate/cheapest_levels.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace pare::calibrate {
namespace {

struct Point {
  double level, cost;
};

/// A straight part of a hull.
struct HullPart {
  double slope;  ///< cost of a weight
  std::size_t matrix;
  double width;  ///< as a fraction of the matrix
};

std::vector<Point> lower_hull(const Curve& curve, double most) {
  std::vector<Point> hull;
  const auto add = [&](const Point& point) {
    const auto above = [&] {
      const Point &a = hull[hull.size() - 2], &b = hull.back();
      return (b.cost - a.cost) * (point.level - a.level) >= (point.cost - a.cost) * (b.level - a.level);
    };
    while (hull.size() > 1 && above()) hull.pop_back();
    hull.push_back(point);
  };
  for (std::size_t i = 0; i < curve.size(); ++i) {
    const double level = static_cast<double>(i) / 100;
    if (level >= most) {
      const double before = std::max(0.0, level - 0.01),
                   share = i == 0 ? 0.0 : std::clamp((most - before) / 0.01, 0.0, 1.0);
      add({most, i == 0 ? curve[0] : curve[i - 1] + share * (curve[i] - curve[i - 1])});
      break;
    }
    add({level, curve[i]});
  }
  return hull;
}

}  // namespace

std::vector<double> cheapest_levels(const std::vector<MatrixCost>& matrices, double target, double most) {
  std::vector<HullPart> parts;
  double left = 0;
  for (std::size_t i = 0; i < matrices.size(); ++i) {
    left += target * matrices[i].weights;
    const std::vector<Point> hull = lower_hull(matrices[i].cost, most);
    for (std::size_t k = 1; k < hull.size(); ++k) {
      const double width = hull[k].level - hull[k - 1].level;
      parts.push_back({(hull[k].cost - hull[k - 1].cost) / (width * matrices[i].weights), i, width});
    }
  }
  std::stable_sort(parts.begin(), parts.end(), [](const HullPart& a, const HullPart& b) { return a.slope < b.slope; });
  std::vector<double> levels(matrices.size());
  for (const HullPart& part : parts) {
    const double taken = std::min(part.width, left / matrices[part.matrix].weights);
    levels[part.matrix] = std::min(most, levels[part.matrix] + taken);
    left = std::max(0.0, left - taken * matrices[part.matrix].weights);
  }
  return levels;
}

std::vector<double> whole_weights(const std::vector<double>& fractions, const std::vector<std::uint64_t>& weights,
                                  std::uint64_t total) {
  std::vector<std::uint64_t> counts(fractions.size());
  for (std::size_t i = 0; i < counts.size(); ++i)
    counts[i] = std::min(weights[i],
                         static_cast<std::uint64_t>(std::nearbyint(fractions[i] * static_cast<double>(weights[i]))));
  // What is missing or too much is spread over the matrices, the largest first.
  std::vector<std::size_t> order(counts.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return weights[a] > weights[b]; });
  std::uint64_t sum = std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
  for (const std::size_t i : order) {
    const std::uint64_t more = std::min(sum < total ? total - sum : 0, weights[i] - counts[i]),
                        less = std::min(sum > total ? sum - total : 0, counts[i]);
    counts[i] += more - less;
    sum += more - less;
  }
  std::vector<double> exact(counts.size());
  for (std::size_t i = 0; i < counts.size(); ++i)
    exact[i] = weights[i] == 0 ? 0 : static_cast<double>(counts[i]) / static_cast<double>(weights[i]);
  return exact;
}

}  // namespace pare::calibrate
