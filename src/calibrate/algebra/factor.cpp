#include "calibrate/algebra/factor.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/parallel.h"
#include "kernels/double_product.h"

namespace pare::calibrate {
namespace {

constexpr std::size_t kTile = 64;

double dot(const double* a, const double* b, std::size_t n) {
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

/// Factorizes the tile on the diagonal at `begin`.
bool factorize_tile(Square& a, std::size_t begin, std::size_t size) {
  for (std::size_t j = 0; j < size; ++j) {
    double* row = a.row(begin + j) + begin;
    const double rest = row[j] - dot(row, row, j);
    if (!(rest > 0) || !std::isfinite(rest)) return false;
    row[j] = std::sqrt(rest);
    for (std::size_t i = j + 1; i < size; ++i) {
      double* below = a.row(begin + i) + begin;
      below[j] = (below[j] - dot(below, row, j)) / row[j];
    }
  }
  return true;
}

/// The transpose of the inverse of the lower triangular tile on the diagonal at `begin`.
std::vector<double> transposed_inverse(const Square& lower, std::size_t begin, std::size_t size) {
  std::vector<double> inverse(size * size);
  for (std::size_t j = 0; j < size; ++j) {
    double* column = inverse.data() + j * size;
    column[j] = 1 / lower.row(begin + j)[begin + j];
    for (std::size_t i = j + 1; i < size; ++i) {
      const double* row = lower.row(begin + i) + begin;
      column[i] = -dot(row + j, column + j, i - j) / row[i];
    }
  }
  return inverse;
}

/// Rows of a below the tile: what remains of them is divided by the tile, and their transpose is stored in `panel`.
void divide_rows(Square& a, std::size_t begin, std::size_t size, const std::vector<double>& inverse, std::size_t first,
                 std::size_t last, std::vector<double>& panel, std::size_t columns) {
  std::vector<double> before((last - first) * size);
  for (std::size_t i = first; i < last; ++i) {
    double* row = a.row(i) + begin;
    std::copy_n(row, size, before.data() + (i - first) * size);
    std::fill_n(row, size, 0.0);
  }
  kernels::add_product({before.data(), size}, {inverse.data(), size}, last - first, size, size, 1,
                       {a.row(first) + begin, a.n});
  for (std::size_t i = first; i < last; ++i)
    for (std::size_t k = 0; k < size; ++k) panel[k * columns + i - (begin + size)] = a.row(i)[begin + k];
}

}  // namespace

bool factorize(Square& a, const Context& context) {
  std::vector<double> panel;  // the transpose of the columns of L that were made last
  for (std::size_t begin = 0; begin < a.n; begin += kTile) {
    const std::size_t size = std::min(kTile, a.n - begin), rest = a.n - begin - size,
                      tiles = (rest + kTile - 1) / kTile;
    if (!factorize_tile(a, begin, size)) return false;
    const std::vector<double> inverse = transposed_inverse(a, begin, size);
    panel.resize(size * rest);
    const Context shared = base::worthwhile(context, rest * rest * size);
    const auto first_of = [&](std::size_t tile) { return begin + size + tile * kTile; };
    base::parallel_for(tiles, shared, [&](std::size_t tile, unsigned) {
      divide_rows(a, begin, size, inverse, first_of(tile), std::min(a.n, first_of(tile + 1)), panel, rest);
    });
    base::parallel_for(tiles, shared, [&](std::size_t item, unsigned) {
      const std::size_t first = first_of(tiles - 1 - item);  // the longest rows first
      const std::size_t last = std::min(a.n, first + kTile);
      kernels::add_product({a.row(first) + begin, a.n}, {panel.data(), rest}, last - first, size, last - begin - size,
                           -1, {a.row(first) + begin + size, a.n});
    });
  }
  return true;
}

Square inverse_of_lower(const Square& lower, const Context& context) {
  Square inverse(lower.n);
  std::fill_n(inverse.values.data(), lower.n * lower.n, 0.0);
  for (std::size_t begin = 0; begin < lower.n; begin += kTile) {
    const std::size_t size = std::min(kTile, lower.n - begin);
    const std::vector<double> transposed = transposed_inverse(lower, begin, size);
    std::vector<double> tile(size * size);
    for (std::size_t i = 0; i < size; ++i)
      for (std::size_t j = 0; j <= i; ++j) {
        tile[i * size + j] = transposed[j * size + i];
        inverse.row(begin + i)[begin + j] = tile[i * size + j];
      }
    base::parallel_for(begin / kTile, base::worthwhile(context, begin * begin * size), [&](std::size_t item, unsigned) {
      const std::size_t column = item * kTile;
      std::vector<double> sums(size * kTile);
      kernels::add_product({lower.row(begin) + column, lower.n}, {inverse.row(column) + column, lower.n}, size,
                           begin - column, kTile, 1, {sums.data(), kTile});
      kernels::add_product({tile.data(), size}, {sums.data(), kTile}, size, size, kTile, -1,
                           {inverse.row(begin) + column, lower.n});
    });
  }
  return inverse;
}

}  // namespace pare::calibrate
