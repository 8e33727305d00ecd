// A piece of a tensor as it stands after a cut.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "pare/prune.h"

namespace pare::prune {

/// What decides over a tensor's elements.
struct Mask {
  const TensorCut* cut = nullptr;
  Criterion criterion = Criterion::kMagnitude;
  std::uint64_t seed = 0;            ///< for random cuts
  std::uint64_t first_position = 0;  ///< of the tensor's first element among all candidates
  Pattern pattern = {};
  Orientation orientation = Orientation::kNone;  ///< for patterns
};

/// That of the plan's tensor `index` at a level. `first_position` matters for random plans alone.
Mask mask_of(const Model& model, const PrunePlan& plan, std::size_t level, std::size_t index,
             std::uint64_t first_position);

/// Fills `target` with elements [begin, begin + n) of `tensor`, those that the mask removes as +0.
/// `target` must hold n elements.
void copy_masked(const TensorView& tensor, const Mask& mask, std::uint64_t begin, std::uint64_t n, std::byte* target);

}  // namespace pare::prune
