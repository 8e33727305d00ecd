// Which parameters the sets of a levels file name.
#pragma once

#include <vector>

#include "pare/prune.h"

namespace pare::prune {

/// For each set the entries of `parameters` (by index into it) that its globs match. Throws Error for a glob that
/// matches nothing and for a parameter that two sets claim.
std::vector<std::vector<std::size_t>> members_of(const Model& model, const std::vector<std::size_t>& parameters,
                                                 const std::vector<PruneSet>& sets);

}  // namespace pare::prune
