// Prunes random weights of a set of tensors, for several counts at once.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "prune/criteria/set_cut.h"

namespace pare::prune {

/// For each k, k elements drawn uniformly without replacement from `seed`. The draw of a larger k contains that of a
/// smaller one. `first_position` numbers the first tensor's first element among all candidates.
std::vector<SetCut> cut_random(std::span<const TensorView> tensors, std::uint64_t first_position,
                               std::span<const std::uint64_t> counts, std::uint64_t seed, const Context& context);

}  // namespace pare::prune
