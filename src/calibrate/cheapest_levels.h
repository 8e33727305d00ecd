// Levels of several matrices that together cost least.
#pragma once

#include <vector>

#include "calibrate/error_curve.h"

namespace pare::calibrate {

/// What the levels of one matrix cost, in the same unit for all matrices.
struct MatrixCost {
  double weights = 0;
  Curve cost{};
};

/// The fraction of each matrix to prune so that `target` of all their weights go at the least sum of costs: parts of
/// the lower convex hulls of the curves, the cheapest for each weight first. Every level is at most `most`, where
/// target <= most <= 1.
std::vector<double> cheapest_levels(const std::vector<MatrixCost>& matrices, double target, double most);

/// Makes counts of the fractions, whose sum is `total`, and returns these as exact fractions.
std::vector<double> whole_weights(const std::vector<double>& fractions, const std::vector<std::uint64_t>& weights,
                                  std::uint64_t total);

}  // namespace pare::calibrate
