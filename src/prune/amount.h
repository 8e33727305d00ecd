// Converts levels to numbers of weights.
#pragma once

#include <cstdint>
#include <vector>

#include "pare/prune.h"

namespace pare::prune {

/// How many of n elements (or blocks) each level prunes.
std::vector<std::uint64_t> level_counts(const PruneOptions& options, std::uint64_t n);

}  // namespace pare::prune
