// Exact quantiles of many rows (sets of tensors) at once: from the tensors' sketches and one more pass.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "pare/stats.h"

namespace pare::stats {

/// A set of tensors whose elements are taken together.
struct QuantileRow {
  std::vector<std::size_t> tensors;  ///< indices, rising
  std::uint64_t numbers = 0;         ///< elements that are not NaN
};

/// result[row][i] is the p[i]-quantile of |w| over a row, as magnitude_quantiles() defines it; NaN for a row without
/// numbers. `sketches` has one Sketch per tensor. The sketches show which bins hold the quantiles; one pass over the
/// F32 tensors then collects the elements of those bins, in several batches where they would take much memory.
/// Rows that hold F64 are read digit by digit. Same result for any number of threads. Throws Interrupted.
std::vector<std::vector<double>> row_quantiles(std::span<const TensorView> tensors, std::span<const Sketch> sketches,
                                               std::span<const QuantileRow> rows, std::span<const double> p,
                                               const Context& context);

}  // namespace pare::stats
