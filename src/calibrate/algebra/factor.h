// Factors and inverses of symmetric positive definite matrices, in F64 and in blocks.
#pragma once

#include <cstddef>

#include "base/aligned_buffer.h"
#include "pare/context.h"

namespace pare::calibrate {

/// A square matrix, row-major.
struct Square {
  std::size_t n = 0;
  base::AlignedBuffer<double> values;

  Square() = default;
  explicit Square(std::size_t size) : n(size), values(size * size) {}
  double* row(std::size_t i) noexcept { return values.data() + i * n; }
  const double* row(std::size_t i) const noexcept { return values.data() + i * n; }
};

/// Replaces the lower triangle of `a` by L, where a = L L^T (Cholesky). Reads the lower triangle only. Returns false,
/// with unspecified values in `a`, if it is not positive definite. The same bits for any number of threads.
bool factorize(Square& a, const Context& context);

/// The inverse of a lower triangular matrix; zeros above its diagonal.
Square inverse_of_lower(const Square& lower, const Context& context);

}  // namespace pare::calibrate
