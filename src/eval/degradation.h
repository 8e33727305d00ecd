// One number for how much worse a pruned model is.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "eval/kept_cuts.h"
#include "pare/sensitivity.h"

namespace pare::eval {

/// Scores copies of one model against itself.
class Degradation {
 public:
  /// Scores the model as it is. Throws what evaluate() does, and Error: kArgument for a criterion that does not go with
  /// the other options, those of KeptCuts, and kUnsupported if the model's loss is infinite.
  Degradation(const Model& model, const SensitivityOptions& options, const Context& context);

  /// Degradation of the model with these sets pruned; infinite if its loss is infinite or NaN, as the divergence of
  /// infinite logits is.
  double of(const std::vector<PruneSet>& sets);
  /// Keeps what is known of these sets, which of() was called with, for later calls with some of them.
  void hold(const std::vector<PruneSet>& sets);
  const std::string& score() const noexcept { return score_; }
  const std::string& unit() const noexcept { return unit_; }
  double dense() const noexcept { return dense_; }

 private:
  double loss_of(const Model& model) const;
  Model pruned(const std::vector<PruneSet>& sets);

  const Model& model_;
  Task task_;
  std::unique_ptr<KeptCuts> cuts_;  ///< nullptr without statistics
  std::unique_ptr<PreparedTask> prepared_;
  Context context_;  ///< without progress
  std::string score_, unit_;
  double dense_ = 0, dense_loss_ = 0;
};

/// `parameters` of a model pruned together to a fraction.
PruneSet set_of(const Model& model, const SensitiveUnit& unit, double fraction);

}  // namespace pare::eval
