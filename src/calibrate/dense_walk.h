// Goes through the layers of a model as it is, and gathers what their linears read.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "calibrate/layer_inputs.h"
#include "calibrate/layer_passes.h"
#include "calibrate/working_weights.h"

namespace pare::calibrate {

class DenseWalk {
 public:
  /// Called for each group of linears of a layer that share inputs. It may change their weights for a while.
  using Visit = std::function<void(const SharedInputs& inputs, const Context& context)>;

  /// `parameters`: the linears. `products`: as for LayerInputs. `model` and `text` must outlive this. With a group,
  /// `text` is what this rank has of the text; sums of squares are those of all ranks, and sums of products are not for
  /// it.
  DenseWalk(const Model& model, const std::vector<std::size_t>& parameters, const CalibrationText& text, bool products,
            const Context& context);

  /// `after`: called after each layer.
  void run(const Visit& visit, const std::function<void()>& after, const Context& context);
  /// Has the weights of all linears loaded.
  WorkingWeights& weights() noexcept { return weights_; }
  /// Of a linear's name, in `parameters`.
  std::size_t index(const std::string& name) const { return index_.at(name); }

 private:
  const Model& model_;
  std::vector<std::size_t> parameters_;
  bool products_;
  WorkingWeights weights_;
  std::map<std::string, std::size_t> index_;
  std::unique_ptr<LayerInputs> inputs_;  ///< while a layer is observed
  Context quiet_;
  std::unique_ptr<Runner> runner_;
  LayerPasses passes_;
};

}  // namespace pare::calibrate
