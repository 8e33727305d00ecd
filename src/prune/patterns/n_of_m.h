// N:M: decided anew whenever elements are copied, so that nothing has to be remembered.
#pragma once

#include <cstdint>

#include "pare/prune.h"

namespace pare::prune {

/// Weights of a group of `elements` that stay: n of m, of a shorter group its share, rounded up.
std::uint64_t kept_of_group(const Pattern& pattern, std::uint64_t elements);

/// Fills `target` with elements [begin, begin + n) of the matrix, those that N:M removes as +0.
void copy_n_of_m(const TensorView& tensor, const Pattern& pattern, Orientation orientation, std::uint64_t begin,
                 std::uint64_t n, std::byte* target);

/// The cut of one tensor, its zeros left 0.
TensorCut cut_n_of_m(const TensorView& tensor, const Pattern& pattern, Orientation orientation);

}  // namespace pare::prune
