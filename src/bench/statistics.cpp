#include "bench/statistics.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace pare {

double PassTimes::percentile(double p) const noexcept {
  if (steps.empty()) return 0;
  // A product such as 0.9 * 10 must not be rounded up past the intended rank.
  const double rank = std::ceil(p * static_cast<double>(steps.size()) * (1 - 1e-12));
  const double last = static_cast<double>(steps.size());
  return steps[static_cast<std::size_t>(std::clamp(rank, 1.0, last)) - 1];
}

namespace bench {

Spread spread_of(std::vector<double> values) {
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  const double median = values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
  return {median, values.front(), values.back()};
}

Spread spread_of_ratios(const std::vector<double>& above, const std::vector<double>& below) {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < std::min(above.size(), below.size()); ++i)
    if (below[i] > 0) ratios.push_back(above[i] / below[i]);
  return spread_of(std::move(ratios));
}

double mean_of(const std::vector<double>& values) {
  if (values.empty()) return 0;
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

}  // namespace bench
}  // namespace pare
