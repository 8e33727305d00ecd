// Prunes the rows, columns or blocks of smallest norm in a set of matrices, for several counts at once.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "prune/criteria/set_cut.h"
#include "prune/patterns/tiling.h"

namespace pare::prune {

/// The k blocks of smallest norm over all `tensors` together, for each k of `counts` (each at most the number of
/// blocks); ties by order of tensor and block. tilings[i] belongs to tensors[i].
std::vector<SetCut> cut_blocks(std::span<const TensorView> tensors, std::span<const Tiling> tilings, Norm norm,
                               std::span<const std::uint64_t> counts, const Context& context);

}  // namespace pare::prune
