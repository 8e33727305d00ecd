// Reads tensors once and counts what checks need.
#pragma once

#include <span>
#include <vector>

#include "pare/check.h"

namespace pare::prune {

/// The checks of some parameters, in their order. `wanted`: patterns to count besides the usual ones.
std::vector<TensorCheck> scan_tensors(const Model& model, std::span<const std::size_t> parameters,
                                      const std::vector<Pattern>& wanted, const Context& context);

}  // namespace pare::prune
