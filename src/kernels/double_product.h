// Products of F64 matrices, for solving equations.
#pragma once

#include <cstddef>

namespace pare::kernels {

/// A row-major matrix of F64; nothing is owned.
template <class T>
struct Doubles {
  T* data;
  std::size_t stride;  ///< elements from a row to the next
};

/// c[i][j] += factor * sum_k a[i][k] * b[k][j], for `rows` x `inner` elements of a and `inner` x `columns` of b, on the
/// calling thread. The order of the sum does not depend on `rows` and `columns`, so any split of c gives the same bits.
/// c must not overlap a or b.
void add_product(Doubles<const double> a, Doubles<const double> b, std::size_t rows, std::size_t inner,
                 std::size_t columns, double factor, Doubles<double> c);

}  // namespace pare::kernels
