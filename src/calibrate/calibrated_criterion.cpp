#include "calibrate/calibrated_criterion.h"

#include "calibrate/alps.h"
#include "calibrate/refit.h"
#include "calibrate/sparsegpt.h"
#include "calibrate/wanda.h"

namespace pare::calibrate {
namespace {

constexpr unsigned kRefitSteps = 30;

}  // namespace

bool needs_products(const PruneOptions& options) noexcept {
  return options.refit || options.criterion == Criterion::kSparseGpt || options.criterion == Criterion::kAlps;
}

CalibratedCriterion::CalibratedCriterion(const PruneOptions& options, const SharedInputs& inputs,
                                         const Context& context)
    : criterion_(options.criterion),
      refit_(options.refit),
      damping_(options.damping),
      block_size_(options.block_size),
      inputs_(inputs) {
  if (criterion_ == Criterion::kSparseGpt) factor_ = factor_inverse(inputs, damping_, context);
  if (criterion_ == Criterion::kAlps || refit_) hessian_ = scaled_hessian(inputs, damping_);
}

void CalibratedCriterion::prune(LinearTask& task, const Context& context) const {
  std::vector<float> dense;
  if (refit_) dense = task.weights;
  if (criterion_ == Criterion::kWanda) prune_by_wanda(task, inputs_.squares, context);
  if (criterion_ == Criterion::kSparseGpt) prune_by_sparsegpt(task, *factor_, block_size_, context);
  if (criterion_ == Criterion::kAlps) prune_by_alps(task, *hessian_, context);
  if (refit_) refit(task, dense, *hessian_, kRefitSteps, context);
}

}  // namespace pare::calibrate
