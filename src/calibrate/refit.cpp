#include "calibrate/refit.h"

#include <algorithm>

#include "base/parallel.h"
#include "calibrate/algebra/float_product.h"

namespace pare::calibrate {
namespace {

constexpr std::size_t kRowsOfFit = 128;  ///< the same for any number of threads

/// Some rows of the problem, and what the method remembers of them.
struct Rows {
  std::size_t count, in;
  const std::uint8_t* removed;
  std::vector<float> x, residual, direction, image;

  Rows(std::size_t rows, std::size_t columns, const std::uint8_t* mask)
      : count(rows), in(columns), removed(mask), x(rows * columns), residual(x), direction(x), image(x) {}

  /// image = what remains of values H.
  void apply(const std::vector<float>& values, const ScaledHessian& hessian) {
    multiply({values.data(), in}, hessian.values.from(0, 0), count, in, in, 1, 0, {image.data(), in});
    for (std::size_t i = 0; i < image.size(); ++i) image[i] = removed[i] != 0 ? 0.0F : image[i];  // without branches
  }
};

/// In eight sums, which the processor adds to at the same time.
double dot(const float* a, const float* b, std::size_t n) {
  constexpr std::size_t kSums = 8;
  double sums[kSums] = {};
  std::size_t i = 0;
  for (; i + kSums <= n; i += kSums)
    for (std::size_t k = 0; k < kSums; ++k) sums[k] += static_cast<double>(a[i + k]) * static_cast<double>(b[i + k]);
  for (std::size_t k = 0; i < n; ++i, ++k) sums[k] += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

/// One step of every row. `squares`: of the residuals.
void step(Rows& rows, std::vector<double>& squares, const ScaledHessian& hessian) {
  rows.apply(rows.direction, hessian);
  for (std::size_t row = 0; row < rows.count; ++row) {
    float *x = rows.x.data() + row * rows.in, *residual = rows.residual.data() + row * rows.in;
    float *direction = rows.direction.data() + row * rows.in, *image = rows.image.data() + row * rows.in;
    const double curvature = dot(direction, image, rows.in);
    if (!(curvature > 0) || !(squares[row] > 0)) continue;
    const auto length = static_cast<float>(squares[row] / curvature);
    for (std::size_t i = 0; i < rows.in; ++i) {
      x[i] += length * direction[i];
      residual[i] -= length * image[i];
    }
    const double after = dot(residual, residual, rows.in);
    const auto kept = static_cast<float>(after / squares[row]);
    for (std::size_t i = 0; i < rows.in; ++i) direction[i] = residual[i] + kept * direction[i];
    squares[row] = after;
  }
}

}  // namespace

void refit(LinearTask& task, const std::vector<float>& dense, const ScaledHessian& hessian, unsigned steps,
           const Context& context) {
  base::parallel_for((task.out + kRowsOfFit - 1) / kRowsOfFit, context, [&](std::size_t item, unsigned) {
    const std::size_t first = item * kRowsOfFit, begin = first * task.in;
    Rows rows(std::min(task.out, first + kRowsOfFit) - first, task.in, task.removed_row(first));
    for (std::size_t i = 0; i < rows.x.size(); ++i) {
      const float scale = hessian.scale[i % task.in];
      rows.x[i] = rows.removed[i] != 0 ? 0 : task.weights[begin + i] * scale;
      rows.direction[i] = dense[begin + i] * scale - rows.x[i];
    }
    rows.apply(rows.direction, hessian);
    rows.residual = rows.direction = rows.image;
    std::vector<double> squares(rows.count);
    for (std::size_t row = 0; row < rows.count; ++row)
      squares[row] = dot(rows.residual.data() + row * task.in, rows.residual.data() + row * task.in, task.in);
    for (unsigned i = 0; i < steps; ++i) step(rows, squares, hessian);
    for (std::size_t i = 0; i < rows.x.size(); ++i) task.weights[begin + i] = rows.x[i] / hessian.scale[i % task.in];
  });
  task.changed = true;
}

}  // namespace pare::calibrate
