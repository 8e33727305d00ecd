#include <numeric>

#include "pare/stats.h"
#include "stats/row_quantiles.h"

namespace pare {

std::vector<double> magnitude_quantiles(std::span<const TensorView> tensors, std::span<const double> p,
                                        const Context& context) {
  ScanOptions options;
  options.cutoffs.clear();
  options.sketches = true;
  const ScanResult scanned = scan(tensors, options, context);
  stats::QuantileRow row;
  row.tensors.resize(tensors.size());
  std::iota(row.tensors.begin(), row.tensors.end(), std::size_t{0});
  for (const Stats& stats : scanned.tensors) row.numbers += stats.count - stats.nans;
  return stats::row_quantiles(tensors, scanned.sketches, {&row, 1}, p, context).front();
}

}  // namespace pare
