// Medians, spreads and percentiles of a handful of timings.
#pragma once

#include <vector>

#include "pare/bench.h"

namespace pare::bench {

/// The median of an even number of values is the mean of the middle two. All figures are 0 if there are no values.
Spread spread_of(std::vector<double> values);
/// above[i] / below[i].
Spread spread_of_ratios(const std::vector<double>& above, const std::vector<double>& below);
/// 0 for none.
double mean_of(const std::vector<double>& values);

}  // namespace pare::bench
