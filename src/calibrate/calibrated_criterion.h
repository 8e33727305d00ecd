// The calibrated criteria by name.
#pragma once

#include <optional>

#include "calibrate/algebra/hessian.h"
#include "calibrate/linear_task.h"

namespace pare::calibrate {

/// Whether the options need sums of x x^T.
bool needs_products(const PruneOptions& options) noexcept;

/// A criterion with what it needs to know of some inputs, made once for all linears that share them.
class CalibratedCriterion {
 public:
  /// `inputs` must outlive this.
  CalibratedCriterion(const PruneOptions& options, const SharedInputs& inputs, const Context& context);

  /// Sets the results of the task. A criterion that is not calibrated has set task.removed before, and the weights that
  /// remain are fitted.
  void prune(LinearTask& task, const Context& context) const;
  /// Whether the Hessian was so nearly singular that it was damped more than usual.
  bool raised_damping() const noexcept { return factor_ && factor_->damping > damping_; }

 private:
  Criterion criterion_;
  bool refit_;
  double damping_;
  std::size_t block_size_;
  const SharedInputs& inputs_;
  std::optional<InverseFactor> factor_;
  std::optional<ScaledHessian> hessian_;
};

}  // namespace pare::calibrate
