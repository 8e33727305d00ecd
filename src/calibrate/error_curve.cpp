#include "calibrate/error_curve.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/parallel.h"
#include "calibrate/algebra/float_product.h"
#include "calibrate/choose.h"
#include "calibrate/refit.h"

namespace pare::calibrate {
namespace {

constexpr unsigned kRoughSteps = 6;
constexpr std::size_t kRowsOfError = 128;  ///< the same for any number of threads
constexpr double kMeasured[] = {25, 75, 90, kProbed};
constexpr double kLeastError = 1e-300;

/// Sum over the rows of (b - d) H (b - d)^T.
double squared_error(const LinearTask& task, const std::vector<float>& dense, const ScaledHessian& hessian,
                     const Context& context) {
  std::vector<double> sums((task.out + kRowsOfError - 1) / kRowsOfError);
  base::parallel_for(sums.size(), context, [&](std::size_t item, unsigned) {
    const std::size_t begin = item * kRowsOfError * task.in,
                      rows = std::min(task.out, (item + 1) * kRowsOfError) - item * kRowsOfError;
    std::vector<float> lost(rows * task.in), image(lost.size());
    for (std::size_t i = 0; i < lost.size(); ++i) {
      const float weight = task.removed[begin + i] != 0 ? 0 : task.weights[begin + i];
      lost[i] = (weight - dense[begin + i]) * hessian.scale[i % task.in];
    }
    multiply({lost.data(), task.in}, hessian.values.from(0, 0), rows, task.in, task.in, 1, 0, {image.data(), task.in});
    for (std::size_t i = 0; i < lost.size(); ++i)
      sums[item] += static_cast<double>(lost[i]) * static_cast<double>(image[i]);
  });
  return std::max(0.0, std::accumulate(sums.begin(), sums.end(), 0.0));
}

/// Prunes to `level`. Returns the squared error of the outputs, over all tokens, in units of the scaled problem.
double prune_roughly(LinearTask& task, const std::vector<float>& dense, const ScaledHessian& hessian, double level,
                     bool fits, const Context& context) {
  std::vector<float> scores(dense.size());
  for (std::size_t i = 0; i < dense.size(); ++i) scores[i] = dense[i] * hessian.scale[i % task.in];
  task.amount = {level, std::nullopt, {}};
  choose_smallest(scores, task, context);
  task.weights = dense;
  for (std::size_t i = 0; i < dense.size(); ++i)
    if (task.removed[i] != 0) task.weights[i] = 0;
  task.changed = true;
  if (fits && level < 1) refit(task, dense, hessian, kRoughSteps, context);
  return squared_error(task, dense, hessian, context);
}

}  // namespace

ErrorCurve error_curve(LinearTask& task, const ScaledHessian& hessian, bool fits, const Context& context) {
  const std::vector<float> dense = task.weights;
  ErrorCurve result;
  std::vector<std::pair<double, double>> points{{100, prune_roughly(task, dense, hessian, 1, false, context)}};
  for (const double percent : kMeasured)
    points.emplace_back(percent, prune_roughly(task, dense, hessian, percent / 100, fits, context));
  result.probed = points.back().second;
  std::sort(points.begin(), points.end());
  auto next = points.begin();
  for (std::size_t i = 1; i < result.errors.size(); ++i) {
    const auto percent = static_cast<double>(i);
    while (next->first < percent) ++next;
    if (next == points.begin()) {
      result.errors[i] = next->second * std::pow(percent / next->first, 2);
      continue;
    }
    const auto before = next - 1;
    const double low = std::log(std::max(before->second, kLeastError)),
                 high = std::log(std::max(next->second, kLeastError));
    result.errors[i] = std::exp(low + (high - low) * (percent - before->first) / (next->first - before->first));
  }
  return result;
}

}  // namespace pare::calibrate
