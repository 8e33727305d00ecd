// Hidden states between the layers of a model, from which models with the same first layers go on.
#pragma once

#include <cstddef>
#include <vector>

#include "pare/model.h"
#include "pare/run.h"

namespace pare::eval {

/// Returns how many of a model's first layers share their weights (the same memory) with those of another model, as do
/// the layers before the pruned one in pruned_model(). 0 if a parameter outside the layers differs, if the two are not
/// of one class and configuration, or if a model has more than one stack.
std::size_t count_shared_layers(const Model& a, const Model& b);

/// Keeps the states after some layers for every batch of a task. Sensitivity prunes one layer after the other: what
/// comes before the layer is then computed once for all levels, and the states move on layer by layer.
class KeptStates {
 public:
  /// `room`: bytes of states to keep at most. Batches beyond them run from their tokens each time.
  explicit KeptStates(std::size_t room) : room_(room) {}

  /// Returns runner.hidden_states(tokens), bit for bit. `batch` is a number for these tokens. The first `shared` layers
  /// of the runner have the weights of those that earlier calls ran. Throws what the runner throws.
  Matrix hidden_states(const Runner& runner, std::size_t batch, const TokenBatch& tokens, std::size_t shared,
                       const Context& context);

 private:
  struct Kept {
    Matrix states;
    std::size_t layers = 0;  ///< that the states went through
  };

  std::vector<Kept> kept_;
  std::size_t room_;
};

}  // namespace pare::eval
