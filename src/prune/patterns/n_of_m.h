// The N:M pattern. The choice is computed whenever elements are copied, so no mask is stored.
#pragma once

#include <cstdint>

#include "pare/prune.h"

namespace pare::prune {

/// Number of weights that remain in a group of `elements`: n of m, or for a shorter group its share, rounded up.
std::uint64_t kept_of_group(const Pattern& pattern, std::uint64_t elements);

/// Fills `target` with elements [begin, begin + n) of the matrix; those that N:M removes become +0.
void copy_n_of_m(const TensorView& tensor, const Pattern& pattern, Orientation orientation, std::uint64_t begin,
                 std::uint64_t n, std::byte* target);

/// The cut of one tensor; its `zeros` are not counted yet and remain 0.
TensorCut cut_n_of_m(const TensorView& tensor, const Pattern& pattern, Orientation orientation);

}  // namespace pare::prune
