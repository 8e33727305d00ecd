// Prunes the smallest magnitudes of a set of tensors, for several counts at once.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "prune/criteria/set_cut.h"

namespace pare::prune {

/// The k smallest magnitudes over all `tensors` together, for each k of `counts` (each at most the
/// number of elements); ties by order of tensor and index. Reads the weights three times.
std::vector<SetCut> cut_smallest(std::span<const TensorView> tensors, std::span<const std::uint64_t> counts,
                                 const Context& context);

}  // namespace pare::prune
