#include "calibrate/algebra/shifted_factor.h"

#include <algorithm>
#include <cmath>

#include "base/parallel.h"
#include "calibrate/algebra/float_product.h"
#include "pare/error.h"

namespace pare::calibrate {
namespace {

constexpr std::size_t kFactorTile = 128;
constexpr std::size_t kFactorRows = 128;  ///< the same for any number of threads

/// The upper triangular factor R of a symmetric matrix, R^T R, in its upper triangle. Returns false if there is none.
bool factorize_upper(std::vector<double>& a, std::size_t n) {
  for (std::size_t k = 0; k < n; ++k) {
    double* pivot = a.data() + k * n;
    if (!(pivot[k] > 0) || !std::isfinite(pivot[k])) return false;
    const double root = std::sqrt(pivot[k]);
    for (std::size_t j = k; j < n; ++j) pivot[j] /= root;
    for (std::size_t i = k + 1; i < n; ++i) {
      double* rest = a.data() + i * n;
      const double factor = pivot[i];
      for (std::size_t j = i; j < n; ++j) rest[j] -= factor * pivot[j];
    }
  }
  return true;
}

/// The inverse of an upper triangular matrix.
std::vector<double> inverse_of_upper(const std::vector<double>& upper, std::size_t n) {
  std::vector<double> inverse(n * n);
  for (std::size_t i = n; i-- > 0;) {
    double* row = inverse.data() + i * n;
    row[i] = 1;
    for (std::size_t k = i + 1; k < n; ++k) {
      const double* below = inverse.data() + k * n;
      const double factor = upper[i * n + k];
      for (std::size_t j = k; j < n; ++j) row[j] -= factor * below[j];
    }
    for (std::size_t j = i; j < n; ++j) row[j] /= upper[i * n + i];
  }
  return inverse;
}

}  // namespace

ShiftedFactor::ShiftedFactor(const ScaledHessian& hessian) : hessian_(hessian), lower_(hessian.n) {
  for (std::size_t begin = 0; begin < hessian.n; begin += kFactorTile)
    tiles_.push_back({begin, std::min(kFactorTile, hessian.n - begin), {}, {}});
}

void ShiftedFactor::set_shift(double shift, const Context& context) {
  fill(shift);
  if (!factorize(context)) factorize_in_f64(shift, context);
}

void ShiftedFactor::fill(double shift) {
  const std::size_t n = hessian_.n;
  for (std::size_t i = 0; i < n; ++i) {
    std::copy_n(hessian_.values.row(i), i + 1, row(i));
    row(i)[i] += static_cast<float>(shift);
  }
}

/// Inverts the tile, of which `upper` is the transpose.
void ShiftedFactor::invert(Tile& tile, const std::vector<double>& upper) {
  const std::vector<double> inverse = inverse_of_upper(upper, tile.size);
  tile.transposed.assign(inverse.begin(), inverse.end());
  tile.inverse.resize(inverse.size());
  for (std::size_t i = 0; i < tile.size; ++i)
    for (std::size_t j = 0; j < tile.size; ++j) tile.inverse[i * tile.size + j] = tile.transposed[j * tile.size + i];
}

/// The tile on the diagonal becomes that of L, and is inverted.
bool ShiftedFactor::factorize_tile(Tile& tile) {
  const std::size_t size = tile.size;
  std::vector<double> upper(size * size);
  for (std::size_t i = 0; i < size; ++i)
    for (std::size_t j = 0; j <= i; ++j) upper[j * size + i] = static_cast<double>(row(tile.begin + i)[tile.begin + j]);
  if (!factorize_upper(upper, size)) return false;
  invert(tile, upper);
  for (std::size_t i = 0; i < size; ++i)
    for (std::size_t j = 0; j <= i; ++j) row(tile.begin + i)[tile.begin + j] = static_cast<float>(upper[j * size + i]);
  return true;
}

/// Column of tiles by column of tiles: what the columns to the left have of it is subtracted, and the rest is divided
/// by the tile on the diagonal.
bool ShiftedFactor::factorize(const Context& context) {
  const std::size_t n = hessian_.n;
  for (Tile& tile : tiles_) {
    const std::size_t begin = tile.begin, size = tile.size, end = begin + size;
    const auto subtract = [&](std::size_t first, std::size_t rows) {
      if (begin != 0)
        multiply(lower_.from(first, 0), turned(begin), rows, begin, size, -1, 1, {row(first) + begin, lower_.stride()});
    };
    subtract(begin, size);
    if (!factorize_tile(tile)) return false;
    base::parallel_for((n - end + kFactorRows - 1) / kFactorRows, base::worthwhile(context, (n - end) * size * end),
                       [&](std::size_t item, unsigned) {
                         const std::size_t first = end + item * kFactorRows, rows = std::min(kFactorRows, n - first);
                         subtract(first, rows);
                         std::vector<float> rest(rows * size);
                         for (std::size_t i = 0; i < rows; ++i)
                           std::copy_n(row(first + i) + begin, size, rest.data() + i * size);
                         multiply({rest.data(), size}, {tile.transposed.data(), size}, rows, size, size, 1, 0,
                                  {row(first) + begin, lower_.stride()});
                       });
  }
  return true;
}

void ShiftedFactor::factorize_in_f64(double shift, const Context& context) {
  const std::size_t n = hessian_.n;
  Square wide(n);
  for (std::size_t i = 0; i < n; ++i) {
    std::copy_n(hessian_.values.row(i), i + 1, wide.row(i));
    wide.row(i)[i] += shift;
  }
  if (!calibrate::factorize(wide, context))
    throw Error(ErrorCode::kUnsupported, "the products of a linear's inputs cannot be inverted");
  for (std::size_t i = 0; i < n; ++i) std::copy_n(wide.row(i), i + 1, row(i));
  for (Tile& tile : tiles_) {
    std::vector<double> upper(tile.size * tile.size);
    for (std::size_t i = 0; i < tile.size; ++i)
      for (std::size_t j = 0; j <= i; ++j) upper[j * tile.size + i] = wide.row(tile.begin + i)[tile.begin + j];
    invert(tile, upper);
  }
}

void ShiftedFactor::solve(float* s, std::size_t rows, float* x, std::vector<float>& buffer) const {
  const std::size_t n = hessian_.n;
  buffer.resize(rows * n);
  float* y = buffer.data();  // y L^T = s, and then x L = y
  for (const Tile& tile : tiles_) {
    const std::size_t begin = tile.begin, size = tile.size;
    if (begin != 0) multiply({y, n}, turned(begin), rows, begin, size, -1, 1, {s + begin, n});
    multiply({s + begin, n}, {tile.transposed.data(), size}, rows, size, size, 1, 0, {y + begin, n});
  }
  for (std::size_t i = tiles_.size(); i-- > 0;) {
    const std::size_t begin = tiles_[i].begin, size = tiles_[i].size, end = begin + size;
    if (end != n) multiply({x + end, n}, lower_.from(end, begin), rows, n - end, size, -1, 1, {y + begin, n});
    multiply({y + begin, n}, {tiles_[i].inverse.data(), size}, rows, size, size, 1, 0, {x + begin, n});
  }
}

}  // namespace pare::calibrate
