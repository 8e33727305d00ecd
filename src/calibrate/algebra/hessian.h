// The Hessian of a linear's squared error, X^T X, damped so that it can be inverted.
#pragma once

#include <cstdint>
#include <vector>

#include "calibrate/algebra/factor.h"
#include "calibrate/algebra/spread_square.h"
#include "calibrate/layer_inputs.h"

namespace pare::calibrate {

/// The usual share of the mean of the diagonal that is added to it: SparseGPT's.
constexpr double kDamping = 0.01;

struct InverseFactor {
  std::size_t n = 0;
  SpreadSquare upper;                ///< [n, n]: U with U^T U = H^-1; zeros below the diagonal
  std::vector<std::uint8_t> unused;  ///< [n]: 1 for inputs that are always zero
  double damping = 0;  ///< the share of the mean that was needed; above the asked one if H is nearly singular
};

/// `inputs` must have products. `damping` is raised tenfold until H can be factorized; inputs that are always zero
/// have a 1 on the diagonal instead of 0. Throws Error (kUnsupported) if no damping helps.
InverseFactor factor_inverse(const SharedInputs& inputs, double damping, const Context& context);

/// H with damping, scaled so that its diagonal is 1: rows and columns are divided by `scale`.
struct ScaledHessian {
  std::size_t n = 0;
  SpreadSquare values;       ///< [n, n]
  std::vector<float> scale;  ///< [n]: weights times it are the unknowns of the scaled problem
};

/// `inputs` must have products and an input that is not always zero.
ScaledHessian scaled_hessian(const SharedInputs& inputs, double damping);

/// x x^T of some tokens, added to the upper triangle of `products`, [columns, columns].
void add_products(const Matrix& inputs, double* products, const Context& context);

}  // namespace pare::calibrate
