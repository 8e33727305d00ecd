// A score for every weight, drawn from a seed. Random pruning removes the weights with the lowest scores.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pare::prune {

/// scores[i] = 31 well-mixed bits of (seed, first_position + i). Scores depend on nothing else, so any thread can score
/// any piece of a tensor.
void fill_scores(std::uint64_t seed, std::uint64_t first_position, std::size_t n, std::uint32_t* scores);

}  // namespace pare::prune
