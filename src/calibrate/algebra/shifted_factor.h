// Equations with H + shift on the left, for ALPS: a Cholesky factor in F32, and solutions of rows by it.
#pragma once

#include <cstddef>
#include <vector>

#include "calibrate/algebra/hessian.h"

namespace pare::calibrate {

/// L with L L^T = H + shift. It is made in F32, and in F64 where that fails because the matrix is nearly singular.
class ShiftedFactor {
 public:
  /// `hessian` must outlive this.
  explicit ShiftedFactor(const ScaledHessian& hessian);

  /// Makes L anew. Throws Error (kUnsupported) if the matrix is not positive definite. The same bits for any number of
  /// threads.
  void set_shift(double shift, const Context& context);

  /// Solves x (H + shift) = s for each of `rows` rows of n values, on the calling thread. Overwrites `s`.
  void solve(float* s, std::size_t rows, float* x, std::vector<float>& buffer) const;

 private:
  struct Tile {
    std::size_t begin, size;
    std::vector<float> inverse;     ///< [size, size]: of what L has on the diagonal
    std::vector<float> transposed;  ///< its transpose
  };

  float* row(std::size_t i) { return lower_.row(i); }
  /// The transpose of the rows from `first` on.
  Floats<const float> turned(std::size_t first) const { return {lower_.row(first), lower_.stride(), true}; }
  void fill(double shift);
  bool factorize(const Context& context);
  bool factorize_tile(Tile& tile);
  static void invert(Tile& tile, const std::vector<double>& upper);
  void factorize_in_f64(double shift, const Context& context);

  const ScaledHessian& hessian_;
  SpreadSquare lower_;       ///< [n, n]: L; above its diagonal, values without meaning
  std::vector<Tile> tiles_;  ///< from the first to the last
};

}  // namespace pare::calibrate
