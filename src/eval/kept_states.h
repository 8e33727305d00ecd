// States between the blocks of a model, from which models with the same first blocks go on.
#pragma once

#include <cstddef>
#include <vector>

#include "pare/model.h"
#include "pare/run.h"

namespace pare::eval {

/// How many of a model's first blocks have the very weights (the same memory) that they have in another model, such as
/// those before the pruned layer of pruned_model(). 0 if a parameter outside the blocks differs, the two are not of one
/// class and configuration, or a model has more than one stack.
std::size_t count_shared_blocks(const Model& a, const Model& b);

/// Keeps the states after some blocks for every batch of a task. Sensitivity prunes one layer after the other: what
/// comes before the layer is then computed once for all levels, and the states move on block by block.
class KeptStates {
 public:
  /// `room`: bytes of states to keep at most. Batches beyond them run from their tokens each time.
  explicit KeptStates(std::size_t room) : room_(room) {}

  /// runner.hidden_states(tokens), bit for bit. `batch` is a number for these tokens. The first `shared` blocks of the
  /// runner have the weights of those that earlier calls ran. Throws what the runner throws.
  Matrix hidden_states(const Runner& runner, std::size_t batch, const TokenBatch& tokens, std::size_t shared,
                       const Context& context);

 private:
  struct Kept {
    Matrix states;
    std::size_t blocks = 0;  ///< that the states went through
  };

  std::vector<Kept> kept_;
  std::size_t room_;
};

}  // namespace pare::eval
