#include "calibrate/algebra/hessian.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/parallel.h"
#include "calibrate/algebra/float_product.h"
#include "pare/error.h"

namespace pare::calibrate {
namespace {

constexpr std::size_t kProductTile = 256;
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

/// First rows and columns of the tiles on and above the diagonal.
std::vector<std::pair<std::size_t, std::size_t>> upper_tiles(std::size_t n) {
  std::vector<std::pair<std::size_t, std::size_t>> tiles;
  for (std::size_t i = 0; i < n; i += kProductTile)
    for (std::size_t j = i; j < n; j += kProductTile) tiles.emplace_back(i, j);
  return tiles;
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
  factor.upper.resize(n * n);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = i; j < n; ++j) factor.upper[i * n + j] = static_cast<float>(inverse.row(n - 1 - i)[n - 1 - j]);
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
  hessian.values.resize(n * n);
  for (std::size_t i = 0; i < n; ++i) {
    hessian.values[i * n + i] = 1;
    for (std::size_t j = i + 1; j < n; ++j)
      hessian.values[i * n + j] = hessian.values[j * n + i] =
          static_cast<float>(products[i * n + j] / (scale[i] * scale[j]));
  }
  return hessian;
}

void add_products(const Matrix& inputs, double* products, const Context& context) {
  const std::size_t n = inputs.columns;
  const std::vector<std::pair<std::size_t, std::size_t>> tiles = upper_tiles(n);
  std::vector<std::vector<float>> buffers(base::thread_count(context));
  base::parallel_for(tiles.size(), context, [&](std::size_t item, unsigned worker) {
    const auto [top, left] = tiles[item];
    const std::size_t rows = std::min(kProductTile, n - top), columns = std::min(kProductTile, n - left);
    std::vector<float>& tile = buffers[worker];
    tile.resize(kProductTile * kProductTile);
    const float* x = inputs.values.data();
    multiply({x + top, n, true}, {x + left, n}, rows, inputs.rows, columns, 1, 0, {tile.data(), columns});
    for (std::size_t i = 0; i < rows; ++i)
      for (std::size_t j = 0; j < columns; ++j)
        products[(top + i) * n + left + j] += static_cast<double>(tile[i * columns + j]);
  });
}

}  // namespace pare::calibrate
