#include "calibrate/algebra/hessian.h"

#include <algorithm>
#include <cmath>

#include "base/parallel.h"
#include "calibrate/algebra/float_product.h"
#include "pare/error.h"

namespace pare::calibrate {
namespace {

constexpr std::size_t kStrip = 48;  ///< rows of a product that are computed together
constexpr double kMostDamping = 1e6;

/// The Hessian with its rows and columns in reverse order: the Cholesky factor of that, inverted and reversed again, is
/// the upper triangular factor of the inverse. Only the lower triangle is filled.
Square reversed(const SharedInputs& inputs, const std::vector<std::uint8_t>& unused, double damp) {
  const std::size_t n = inputs.in;
  Square hessian(n);
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t column = n - 1 - i;
    for (std::size_t j = 0; j <= i; ++j) hessian.row(i)[j] = inputs.products.data()[column * n + n - 1 - j];
    hessian.row(i)[i] += damp + (unused[column] != 0 ? 1.0 : 0.0);
  }
  return hessian;
}

/// The inputs in rows of spread_stride().
Matrix spread(const Matrix& inputs, const Context& context) {
  Matrix copy = Matrix::unset(inputs.rows, spread_stride(inputs.columns));
  base::parallel_for(inputs.rows, base::worthwhile(context, inputs.values.size()),
                     [&](std::size_t row, unsigned) { std::copy_n(inputs.row(row), inputs.columns, copy.row(row)); });
  return copy;
}

}  // namespace

InverseFactor factor_inverse(const SharedInputs& inputs, double damping, const Context& context) {
  InverseFactor factor;
  const std::size_t n = factor.n = inputs.in;
  factor.unused.resize(n);
  double mean = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double diagonal = inputs.products.data()[i * n + i];
    factor.unused[i] = diagonal == 0 ? 1 : 0;
    mean += (diagonal == 0 ? 1.0 : diagonal) / static_cast<double>(n);
  }
  Square hessian;
  for (factor.damping = damping;; factor.damping *= 10) {
    hessian = reversed(inputs, factor.unused, factor.damping * mean);
    if (factorize(hessian, context)) break;
    if (factor.damping > kMostDamping)
      throw Error(ErrorCode::kUnsupported, {}, inputs.linears.front(), "has inputs whose products cannot be inverted");
  }
  const Square inverse = inverse_of_lower(hessian, context);
  factor.upper = SpreadSquare(n);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = i; j < n; ++j) factor.upper.row(i)[j] = static_cast<float>(inverse.row(n - 1 - i)[n - 1 - j]);
  return factor;
}

ScaledHessian scaled_hessian(const SharedInputs& inputs, double damping) {
  ScaledHessian hessian;
  const std::size_t n = hessian.n = inputs.in;
  const double* products = inputs.products.data();
  double mean = 0;
  for (std::size_t i = 0; i < n; ++i) mean += products[i * n + i] / static_cast<double>(n);
  std::vector<double> scale(n);
  for (std::size_t i = 0; i < n; ++i) scale[i] = std::sqrt(products[i * n + i] + damping * mean);
  hessian.scale.assign(scale.begin(), scale.end());
  hessian.values = SpreadSquare(n);
  for (std::size_t i = 0; i < n; ++i) {
    hessian.values.row(i)[i] = 1;
    for (std::size_t j = i + 1; j < n; ++j)
      hessian.values.row(i)[j] = hessian.values.row(j)[i] =
          static_cast<float>(products[i * n + j] / (scale[i] * scale[j]));
  }
  return hessian;
}

void add_products(const Matrix& inputs, double* products, const Context& context) {
  const std::size_t n = inputs.columns;
  const Matrix x = spread(inputs, context);
  std::vector<std::vector<float>> buffers(base::thread_count(context));
  base::parallel_for((n + kStrip - 1) / kStrip, context, [&](std::size_t item, unsigned worker) {
    const std::size_t top = item * kStrip, rows = std::min(kStrip, n - top), columns = n - top;
    std::vector<float>& strip = buffers[worker];
    strip.resize(rows * columns);
    const float* from = x.values.data() + top;
    multiply({from, x.columns, true}, {from, x.columns}, rows, x.rows, columns, 1, 0, {strip.data(), columns});
    for (std::size_t i = 0; i < rows; ++i)
      for (std::size_t j = i; j < columns; ++j)
        products[(top + i) * n + top + j] += static_cast<double>(strip[i * columns + j]);
  });
}

}  // namespace pare::calibrate
