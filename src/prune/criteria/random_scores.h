// A score for every weight, drawn by a seed: random pruning removes the lowest.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pare::prune {

/// scores[i] = 31 well-mixed bits of (seed, first_position + i). Depends on nothing else, so any
/// piece of a tensor can be scored on its own, by any thread.
void fill_scores(std::uint64_t seed, std::uint64_t first_position, std::size_t n, std::uint32_t* scores);

}  // namespace pare::prune
