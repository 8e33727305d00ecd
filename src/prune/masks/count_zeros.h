// Zeros of tensors, before and after pruning.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "pare/prune.h"

namespace pare::prune {

/// Number of zeros (of either sign) in each tensor. Reads the tensors once, each process of a group a part.
std::vector<std::uint64_t> count_zeros(std::span<const TensorView> tensors, const Context& context);

/// Number of zeros of one tensor after each of `masks`. Reads the tensor once. Throws Error, Interrupted.
std::vector<std::uint64_t> count_zeros_after(const TensorView& tensor, std::span<const Mask* const> masks,
                                             const Context& context);

/// Fills the zeros of all cuts of the plan, and for each level the totals of pruned elements and zeros. Reads only
/// tensors whose zeros do not follow from the number of pruned elements. tensors[i] belongs to plan.parameters[i].
void set_zeros(PrunePlan& plan, std::span<const TensorView> tensors, const Context& context);

}  // namespace pare::prune
