// Runs a model layer by layer and prunes each on what the pruned layers before it compute.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "calibrate/calibrated_criterion.h"
#include "calibrate/calibration_text.h"
#include "calibrate/layer_inputs.h"
#include "calibrate/layer_passes.h"
#include "calibrate/prune_linear.h"
#include "calibrate/working_weights.h"

namespace pare::calibrate {

class LayerByLayer {
 public:
  /// Reads the calibration text and records it in the plan. `model` and `plan` must outlive this. The ranks of a group
  /// share the batches, and the linears of a layer; all make the same calls, and get the same cuts.
  LayerByLayer(const Model& model, PrunePlan& plan, const CalibrationOptions& options, const Context& context);

  /// The cuts of one level, of which `done` of `all` are done. `resume`: where finished layers are kept, or nullptr;
  /// always nullptr but on rank 0.
  std::vector<TensorCut> run(const Level& level, std::size_t done, std::size_t all, ResumeFile* resume);
  const CalibrationText& text() const noexcept { return text_; }
  /// Of all levels so far.
  const CalibrationSpeed& speed() const noexcept { return speed_; }

  /// Names of linears that saw no input other than zero, and of those whose damping was raised, at any level.
  const std::set<std::string>& unseen() const noexcept { return unseen_; }
  const std::set<std::string>& raised() const noexcept { return raised_; }

 private:
  const Parameter& parameter(std::size_t index) const { return model_.parameters[plan_.parameters[index]]; }
  /// Prunes a layer, and makes the states after it unless it is the last.
  void prune_layer(LayerPasses& passes, std::size_t layer, const Context& context);
  /// Stage by stage, so that each linear reads what those before it make when they are pruned.
  void prune_stages(LayerPasses& passes, std::size_t layer, const Context& context);
  /// Runs a pruned layer on the states before it, for the next layer.
  void advance(LayerPasses& passes, std::size_t layer, const Context& context);
  void restore(const std::vector<StoredLinear>& linears);
  /// What a linear became. Valid while the weights are.
  StoredLinear finished(std::size_t index) const;
  /// What the layer's linears became, to be kept.
  std::vector<StoredLinear> finished(const LayerPasses& passes, std::size_t layer) const;
  /// Gives all ranks of a group what the linears became on the rank `owner`.
  void share(const std::vector<StoredLinear>& linears, unsigned owner);
  /// Runs a layer on all batches of this rank.
  void run_batches(LayerPasses& passes, std::size_t layer, bool keep, const Context& context);
  /// Calls f(batch) for the batches of this rank, which is timed.
  void for_batches(const LayerPasses& passes, const Context& context, const std::function<void(std::size_t)>& f);
  /// The inputs of the layer's linears that are given to inputs_ while `run` runs, on the batches of this rank.
  std::vector<SharedInputs> gather(const std::function<void()>& run);
  /// Prunes what has been gathered, in a group of ranks together.
  void prune_gathered(std::vector<SharedInputs> gathered);
  void prune_linears(const SharedInputs& inputs);
  /// Prunes one linear; by magnitude without a criterion.
  void prune_linear(std::size_t index, const CalibratedCriterion* criterion);

  const Model& model_;
  PrunePlan& plan_;
  Context context_, quiet_;
  CalibrationText text_;
  bool staged_;
  std::map<std::string, std::size_t> index_;  ///< of a parameter's name in plan_.parameters
  std::optional<WorkingWeights> weights_;
  std::set<std::size_t> left_;         ///< of the layer's linears, those that are not pruned yet
  std::optional<LayerInputs> inputs_;  ///< while a layer is observed
  CalibrationSpeed speed_;
  const Level* level_ = nullptr;
  std::vector<TensorCut> cuts_;
  std::set<std::string> unseen_, raised_;
  std::set<std::string> level_unseen_, level_raised_;  ///< those of this level
};

}  // namespace pare::calibrate
