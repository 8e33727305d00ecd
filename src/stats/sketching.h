// Counts elements for sketches in dense tables.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "pare/stats.h"
#include "stats/tensor_pieces.h"

namespace pare::stats {

/// Counts by the leading 16 bits of the pattern (8 for one-byte types), sign included.
using LeadingCounts = std::vector<std::uint64_t>;

/// Counts the elements of all tensors together, which must have the same width. The counts do not depend on the number
/// of threads. Of the pieces that this process reads (see own_pieces()); counts of processes add up.
LeadingCounts count_leading(std::span<const TensorView> tensors, const Context& context);

/// The Sketch made from such counts of tensors of `dtype`.
Sketch to_sketch(DType dtype, const LeadingCounts& counts);

/// One Sketch per tensor, of its elements in `pieces` (by rising tensor and element), in one pass. Same sketches for
/// any number of threads.
std::vector<Sketch> tensor_sketches(std::span<const TensorView> tensors, std::span<const Piece> pieces,
                                    const Context& context);

}  // namespace pare::stats
