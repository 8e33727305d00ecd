// The share of parameters above a cutoff as a function of the cutoff, from sketches alone.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "pare/chart.h"

namespace pare {
namespace {

constexpr int kPointsPerOctave = 16;  // edges of every analyzed dtype's bins (8- and 16-bit ones are exact anyway)
constexpr double kLeftOut = 0.01;     // share of the nonzero weights that may lie left of the chart
constexpr double kWidest = 1e-9;      // smallest ratio of lowest to highest cutoff

/// Numbers of elements of one sketch at or above each of its edges.
class Ladder {
 public:
  explicit Ladder(const Sketch& sketch) {
    const auto bins = sketch.bins();
    std::uint64_t above = 0;
    for (std::size_t i = bins.size(); i-- > 0;) {
      total_ += bins[i].positive + bins[i].negative;
      const double edge = sketch.lower_edge(bins[i].key);
      if (std::isnan(edge)) continue;
      above += bins[i].positive + bins[i].negative;
      edges_.push_back(edge);
      counts_.push_back(above);
    }
    std::reverse(edges_.begin(), edges_.end());
    std::reverse(counts_.begin(), counts_.end());
  }

  std::uint64_t total() const { return total_; }
  std::uint64_t at_or_above(double x) const {
    const auto place = std::lower_bound(edges_.begin(), edges_.end(), x) - edges_.begin();
    return static_cast<std::size_t>(place) == edges_.size() ? 0 : counts_[static_cast<std::size_t>(place)];
  }
  double highest_finite() const {
    for (std::size_t i = edges_.size(); i-- > 0;)
      if (std::isfinite(edges_[i])) return edges_[i];
    return 0;
  }

 private:
  std::vector<double> edges_;  // ascending
  std::vector<std::uint64_t> counts_;
  std::uint64_t total_ = 0;
};

struct Curve {
  std::vector<Ladder> ladders;
  std::uint64_t total = 0;

  std::uint64_t at_or_above(double x) const {
    std::uint64_t count = 0;
    for (const Ladder& ladder : ladders) count += ladder.at_or_above(x);
    return count;
  }
  double highest() const {
    double result = 0;
    for (const Ladder& ladder : ladders) result = std::max(result, ladder.highest_finite());
    return result;
  }
};

Curve make_curve(const std::vector<Sketch>& sketches) {
  Curve curve;
  for (const Sketch& sketch : sketches) {
    curve.ladders.emplace_back(sketch);
    curve.total += curve.ladders.back().total();
  }
  return curve;
}

/// The grid point with the given number: 1/16 octaves, divided evenly as a mantissa is.
double grid_point(int number) {
  const int octave = number >= 0 ? number / kPointsPerOctave : -((kPointsPerOctave - 1 - number) / kPointsPerOctave);
  const int step = number - octave * kPointsPerOctave;
  return std::ldexp(1 + static_cast<double>(step) / kPointsPerOctave, octave);
}

int grid_number(double x) { return static_cast<int>(std::floor(std::log2(x))) * kPointsPerOctave; }

/// The first grid point at or after which the curve begins to fall.
int first_point(const Curve& curve, double highest) {
  const std::uint64_t nonzero = curve.at_or_above(std::numeric_limits<double>::denorm_min());
  const int last = grid_number(highest);
  int number = grid_number(highest * kWidest);
  while (number < last && static_cast<double>(nonzero - curve.at_or_above(grid_point(number + kPointsPerOctave))) <
                              kLeftOut * static_cast<double>(nonzero))
    number += kPointsPerOctave;
  return number;
}

}  // namespace

LineChart cumulative_share_chart(const std::vector<std::string>& titles,
                                 const std::vector<std::vector<Sketch>>& sketches, double cutoff) {
  LineChart chart;
  chart.title = "How many parameters are bigger than a cutoff";
  chart.x_label = "cutoff c";
  chart.y_label = "share of parameters with |w| ≥ c";
  chart.log_x = true;
  chart.percent_y = true;
  chart.marked_x = cutoff;
  chart.marked_label = fmt::format("cutoff {}", cutoff);
  std::vector<Curve> curves;
  double highest = 0;
  for (const auto& of_model : sketches) {
    curves.push_back(make_curve(of_model));
    highest = std::max(highest, curves.back().highest());
  }
  if (highest <= 0) highest = 1;
  int first = grid_number(highest);
  for (const Curve& curve : curves)
    if (curve.highest() > 0) first = std::min(first, first_point(curve, highest));
  const int last = grid_number(highest) + kPointsPerOctave;
  for (std::size_t i = 0; i < std::min(titles.size(), curves.size()); ++i) {
    ChartSeries series;
    series.name = titles[i];
    for (int number = first; number <= last; ++number) {
      const double x = grid_point(number);
      series.x.push_back(x);
      const double above = static_cast<double>(curves[i].at_or_above(x));
      series.y.push_back(curves[i].total == 0 ? 0 : above / static_cast<double>(curves[i].total));
      if (above == 0) break;
    }
    chart.series.push_back(std::move(series));
  }
  return chart;
}

}  // namespace pare
