#include "stats/inspect_spread.h"

#include <algorithm>
#include <cmath>

namespace pare::stats {
namespace {

constexpr std::size_t kFewestValues = 5;
constexpr double kThreshold = 3.5;
constexpr double kSmallestDifference = 1e-4;
constexpr double kMadToSigma = 1 / 0.6745;  // for a normal distribution
constexpr double kMeanAdToSigma = 1.253314;

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (*std::max_element(values.begin(), middle) + *middle) / 2;
}

double mean_of(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

}  // namespace

std::vector<std::size_t> outliers(const std::vector<double>& values) {
  if (values.size() < kFewestValues) return {};
  const double center = median(values);
  std::vector<double> deviations;
  for (const double value : values) deviations.push_back(std::abs(value - center));
  double sigma = kMadToSigma * median(deviations);
  if (sigma == 0) sigma = kMeanAdToSigma * mean_of(deviations);
  std::vector<std::size_t> result;
  for (std::size_t i = 0; i < values.size(); ++i)
    if (deviations[i] >= kSmallestDifference && deviations[i] > kThreshold * sigma) result.push_back(i);
  return result;
}

void summarize(LayerSpread& spread) {
  const auto [low, high] = std::minmax_element(spread.shares.begin(), spread.shares.end());
  spread.min = *low;
  spread.max = *high;
  spread.mean = mean_of(spread.shares);
  double squares = 0;
  for (const double share : spread.shares) squares += (share - spread.mean) * (share - spread.mean);
  const std::size_t n = spread.shares.size();
  spread.std = n < 2 ? 0 : std::sqrt(squares / static_cast<double>(n - 1));
  for (const std::size_t i : outliers(spread.shares)) spread.outlying.push_back(spread.layers[i]);
}

}  // namespace pare::stats
