#include "eval/degradation.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "pare/error.h"

namespace pare::eval {
namespace {

double score_of(const Evaluation& evaluation, const std::string& name) {
  for (const Score& score : evaluation.scores)
    if (score.name == name) return score.value;
  throw Error(ErrorCode::kUnsupported, "the task gave no " + name);
}

void require_usable_criterion(const SensitivityOptions& options) {
  const auto refuse = [&](std::string_view cause) {
    throw Error(ErrorCode::kArgument, fmt::format("the criterion {} {}", criterion_name(options.criterion), cause));
  };
  if (!is_calibrated(options.criterion) && options.criterion != Criterion::kMagnitude)
    refuse("is not supported by sensitivity analysis");
  if (uses_statistics(options) == !options.statistics.empty()) return;
  if (!options.statistics.empty()) refuse("does not use statistics");
  refuse(is_calibrated(options.criterion) ? "needs a file of statistics" : "needs a file of statistics for refit");
}

std::unique_ptr<KeptCuts> open_cuts(const Model& model, const SensitivityOptions& options, const Context& context) {
  require_usable_criterion(options);
  return uses_statistics(options) ? std::make_unique<KeptCuts>(model, options, context) : nullptr;
}

}  // namespace

Degradation::Degradation(const Model& model, const SensitivityOptions& options, const Context& context)
    : model_(model),
      task_(options.eval.task),
      cuts_(open_cuts(model, options, context)),
      context_(context.with_progress({})),
      score_(task_kind(options.eval.task).loss_score) {
  EvalOptions eval = options.eval;
  if (task_ == Task::kDivergence) eval.reference = &model_;
  prepared_ = std::make_unique<PreparedTask>(model, eval, context_);
  unit_ = score_kind(score_).share ? "share" : "nats";
  if (task_ == Task::kDivergence) return;  // 0 from itself
  dense_ = score_of(prepared_->score(context_), score_);
  dense_loss_ = unit_ == "share" ? -dense_ : std::log(dense_);
  if (!std::isfinite(dense_loss_))
    throw Error(ErrorCode::kUnsupported, options.eval.data,
                fmt::format("the {} of the dense model is {}: nothing can be worse", score_kind(score_).title, dense_));
}

double Degradation::loss_of(const Model& model) const {
  const double value = score_of(prepared_->score(model, context_), score_);
  if (task_ == Task::kDivergence) return value;
  return unit_ == "share" ? -value : std::log(value);
}

Model Degradation::pruned(const std::vector<PruneSet>& sets) {
  if (cuts_ != nullptr) return cuts_->pruned(sets, context_);
  PruneOptions pruning;
  pruning.sets = sets;
  return pruned_model(model_, plan_pruning(model_, pruning, context_), 0, context_);
}

void Degradation::hold(const std::vector<PruneSet>& sets) {
  if (cuts_ != nullptr) cuts_->hold(sets);
}

double Degradation::of(const std::vector<PruneSet>& sets) {
  const double degradation = loss_of(pruned(sets)) - dense_loss_;
  return std::isnan(degradation) ? std::numeric_limits<double>::infinity() : degradation;
}

PruneSet set_of(const Model& model, const SensitiveUnit& unit, double fraction) {
  PruneSet set;
  set.name = unit.name;
  for (const std::size_t parameter : unit.parameters) set.tensors.push_back(glob_of(model.parameters[parameter].name));
  set.amount = {fraction, std::nullopt, fmt::format("{:.4g}", 100 * fraction)};
  return set;
}

}  // namespace pare::eval
