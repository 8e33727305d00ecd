#include "eval/kept_states.h"

#include <algorithm>
#include <utility>

namespace pare::eval {
namespace {

bool same_memory(const TensorView& a, const TensorView& b) {
  if (a.dtype != b.dtype || a.shape != b.shape || a.bytes.packed() != b.bytes.packed() ||
      a.bytes.encoded() != b.bytes.encoded())
    return false;
  return a.bytes.packed() != nullptr || a.bytes.encoded() != nullptr || a.bytes.data() == b.bytes.data();
}

std::size_t bytes_of(const Matrix& states) { return states.values.size() * sizeof(float); }

}  // namespace

std::size_t count_shared_layers(const Model& a, const Model& b) {
  if (a.architecture != b.architecture || a.config != b.config || a.parameters.size() != b.parameters.size()) return 0;
  int layers = 0, first_changed = -1;
  for (std::size_t i = 0; i < a.parameters.size(); ++i) {
    const Parameter &one = a.parameters[i], &other = b.parameters[i];
    if (one.name != other.name || one.stack != a.parameters.front().stack) return 0;
    layers = std::max(layers, one.layer + 1);
    if (same_memory(a.tensor(one), b.tensor(other))) continue;
    if (one.layer < 0) return 0;
    if (first_changed < 0 || one.layer < first_changed) first_changed = one.layer;
  }
  return static_cast<std::size_t>(first_changed < 0 ? layers : first_changed);
}

Matrix KeptStates::hidden_states(const Runner& runner, std::size_t batch, const TokenBatch& tokens, std::size_t shared,
                                 const Context& context) {
  shared = std::min(shared, runner.layer_count() - 1);
  if (shared == 0) return runner.hidden_states(tokens, context);
  if (kept_.size() <= batch) kept_.resize(batch + 1);
  Kept& kept = kept_[batch];
  // Taken out, so that nothing half done stays if a call below throws.
  Matrix states = std::exchange(kept.states, {});
  std::size_t begin = std::exchange(kept.layers, 0);
  room_ += bytes_of(states);
  if (begin > shared) begin = 0;
  if (begin < shared) states = runner.run_layers(tokens, std::move(states), begin, shared, context);
  if (bytes_of(states) <= room_) {
    kept = {states, shared};
    room_ -= bytes_of(states);
  }
  return runner.run_layers(tokens, std::move(states), shared, runner.layer_count(), context);
}

}  // namespace pare::eval
