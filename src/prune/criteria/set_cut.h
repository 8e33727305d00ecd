// Makes cuts of exactly k elements from the numbers of elements below and at the threshold in each tensor.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "kernels/magnitude.h"
#include "pare/prune.h"

namespace pare::prune {

/// The result for one k over a set of tensors that share a threshold.
struct SetCut {
  std::vector<TensorCut> tensors;   ///< zeros are not counted yet
  std::optional<double> threshold;  ///< the largest magnitude that is pruned, if any
};

/// The elements of one tensor that are pruned: everything below the threshold, and ties at a flat index below tie_end.
struct TieCut {
  std::uint64_t pruned = 0, tie_end = 0;
};

/// Makes ranks[set][tensor] those of all processes of a group.
void add_up_ranks(std::vector<std::vector<kernels::RankCount>>& ranks, const Context& context);
/// Gives every process of a group all cuts of levels[level][tensor]; each has made some, and the others are empty.
/// Masks are of the kinds that cut_smallest() and cut_random() make.
void share_cuts(std::vector<std::vector<TensorCut>>& levels, const Context& context);

/// One cut per tensor. Ties are pruned in order, as many as `count` still allows. `nth_tie(tensor, n)` must give the
/// flat index of a tensor's n-th tie, n from 0.
std::vector<TieCut> settle_ties(std::span<const kernels::RankCount> ranks, std::span<const std::uint64_t> elements,
                                std::uint64_t count,
                                const std::function<std::uint64_t(std::size_t, std::uint64_t)>& nth_tie);

}  // namespace pare::prune
