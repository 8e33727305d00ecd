#include <cmath>
#include <limits>

#include "kernels/targets.h"
#include "pare/stats.h"
#include "stats/rank.h"

namespace pare {
namespace {

/// As numpy and torch.lerp: computed from the nearer end.
double interpolate(double low, double high, double weight) {
  if (low == high) return low;  // also two infinities
  const double difference = high - low;
  return weight < 0.5 ? low + difference * weight : high - difference * (1 - weight);
}

}  // namespace

std::vector<double> magnitude_quantiles(std::span<const TensorView> tensors, std::span<const double> p,
                                        unsigned threads) {
  ScanOptions options;
  options.cutoffs.clear();
  options.threads = threads;
  std::uint64_t numbers = 0;  // NaNs rank last, so leaving them out is counting them off
  for (const Stats& stats : scan(tensors, options).tensors) numbers += stats.count - stats.nans;
  if (numbers == 0) return std::vector<double>(p.size(), std::numeric_limits<double>::quiet_NaN());
  std::vector<std::uint64_t> positions;
  for (const double fraction : p) {
    const auto below = static_cast<std::uint64_t>(fraction * static_cast<double>(numbers - 1));
    positions.push_back(std::min(below, numbers - 1));
    positions.push_back(std::min(below + 1, numbers - 1));
  }
  const stats::RankSpace space(tensors);
  const std::vector<std::uint64_t> ranks = stats::select_ranks(space, tensors, positions, threads);
  std::vector<double> quantiles;
  for (std::size_t i = 0; i < p.size(); ++i) {
    const double position = p[i] * static_cast<double>(numbers - 1);
    quantiles.push_back(
        interpolate(space.value(ranks[2 * i]), space.value(ranks[2 * i + 1]), position - std::floor(position)));
  }
  return quantiles;
}

}  // namespace pare
