// Turning "how many lie below and at the threshold, tensor by tensor" into cuts of exactly k.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "kernels/magnitude.h"
#include "pare/prune.h"

namespace pare::prune {

/// One k's outcome over a set of tensors that share a threshold.
struct SetCut {
  std::vector<TensorCut> tensors;   ///< zeros left 0
  std::optional<double> threshold;  ///< the largest magnitude that goes, if any does
};

/// What goes of one tensor: everything below the threshold, and ties at a flat index below tie_end.
struct TieCut {
  std::uint64_t pruned = 0, tie_end = 0;
};

/// One per tensor: of the ties as many of the first in order go as `count` still allows. `nth_tie(tensor, n)` must
/// give the flat index of a tensor's n-th tie, n from 0.
std::vector<TieCut> settle_ties(std::span<const kernels::RankCount> ranks, std::span<const std::uint64_t> elements,
                                std::uint64_t count,
                                const std::function<std::uint64_t(std::size_t, std::uint64_t)>& nth_tie);

}  // namespace pare::prune
