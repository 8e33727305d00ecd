// The calibrated criteria by name.
#pragma once

#include <optional>

#include "calibrate/hessian.h"
#include "calibrate/linear_task.h"

namespace pare::calibrate {

/// Whether the criterion needs sums of x x^T.
bool needs_products(Criterion criterion) noexcept;

/// A criterion with what it needs to know of some inputs, made once for all linears that share them.
class CalibratedCriterion {
 public:
  /// `inputs` must outlive this.
  CalibratedCriterion(Criterion criterion, const SharedInputs& inputs, const Context& context);

  /// Sets the results of the task.
  void prune(LinearTask& task, const Context& context) const;
  /// Whether the Hessian was so nearly singular that it was damped more than usual.
  bool raised_damping() const noexcept { return factor_ && factor_->damping > kDamping; }

 private:
  Criterion criterion_;
  const SharedInputs& inputs_;
  std::optional<InverseFactor> factor_;
};

}  // namespace pare::calibrate
