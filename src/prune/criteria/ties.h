// Turning "how many lie below and at the threshold, tensor by tensor" into cuts of exactly k.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "kernels/magnitude.h"
#include "pare/prune.h"

namespace pare::prune {

/// Fills pruned and tie_end of `cuts` (whose keys are set): everything below the threshold goes,
/// and of the ties as many of the first in order as `count` still allows. `nth_tie(tensor, n)`
/// must give the flat index of a tensor's n-th tie, n from 0.
void settle_ties(std::span<const kernels::RankCount> ranks, std::span<const std::uint64_t> elements,
                 std::uint64_t count, const std::function<std::uint64_t(std::size_t, std::uint64_t)>& nth_tie,
                 std::vector<TensorCut>& cuts);

}  // namespace pare::prune
