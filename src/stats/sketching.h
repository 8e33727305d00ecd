// Dense counting behind the sketches.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "pare/stats.h"

namespace pare::stats {

/// Counts by the leading 16 bits of the pattern (8 for one-byte types), sign included.
using LeadingCounts = std::vector<std::uint64_t>;

/// All tensors together; they must be of one width. Same counts for any number of threads.
LeadingCounts count_leading(std::span<const TensorView> tensors, const Context& context);

/// The Sketch that such counts of tensors of `dtype` are.
Sketch to_sketch(DType dtype, const LeadingCounts& counts);

/// One Sketch per tensor, in one pass. Same sketches for any number of threads.
std::vector<Sketch> tensor_sketches(std::span<const TensorView> tensors, const Context& context);

}  // namespace pare::stats
