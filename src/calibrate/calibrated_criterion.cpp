#include "calibrate/calibrated_criterion.h"

#include "calibrate/sparsegpt.h"
#include "calibrate/wanda.h"

namespace pare::calibrate {

bool needs_products(Criterion criterion) noexcept { return criterion != Criterion::kWanda; }

CalibratedCriterion::CalibratedCriterion(Criterion criterion, const SharedInputs& inputs, const Context& context)
    : criterion_(criterion), inputs_(inputs) {
  if (criterion == Criterion::kSparseGpt) factor_ = factor_inverse(inputs, context);
}

void CalibratedCriterion::prune(LinearTask& task, const Context& context) const {
  if (factor_)
    prune_by_sparsegpt(task, *factor_, context);
  else
    prune_by_wanda(task, inputs_.squares, context);
}

}  // namespace pare::calibrate
