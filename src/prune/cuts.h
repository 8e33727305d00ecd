// Cuts: which elements of a set of tensors go so that exactly k do, for several k at once.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "pare/prune.h"
#include "prune/patterns/tiling.h"

namespace pare::prune {

/// One k's outcome over a set of tensors that share a threshold.
struct SetCut {
  std::vector<TensorCut> tensors;   ///< zeros left 0
  std::optional<double> threshold;  ///< the largest magnitude that goes, if any does
};

/// The k smallest magnitudes over all `tensors` together, for each k of `counts` (each at most the
/// number of elements); ties by order of tensor and index. Reads the weights three times.
std::vector<SetCut> cut_smallest(std::span<const TensorView> tensors, std::span<const std::uint64_t> counts,
                                 unsigned threads);

/// k elements drawn uniformly without replacement by `seed`, for each k; a larger k's draw contains
/// a smaller one's. `first_position` numbers the first tensor's first element among all candidates.
std::vector<SetCut> cut_random(std::span<const TensorView> tensors, std::uint64_t first_position,
                               std::span<const std::uint64_t> counts, std::uint64_t seed, unsigned threads);

/// The k blocks of smallest norm over all `tensors` together, for each k of `counts` (each at most the number of
/// blocks); ties by order of tensor and block. tilings[i] is that of tensors[i].
std::vector<SetCut> cut_blocks(std::span<const TensorView> tensors, std::span<const Tiling> tilings, Norm norm,
                               std::span<const std::uint64_t> counts, unsigned threads);

inline bool is_removed(const TensorCut& cut, std::uint64_t block) {
  return !cut.removed.empty() && (cut.removed[block / 64] >> block % 64 & 1) != 0;
}

/// What N:M takes of a tensor. `zeros_before` are its zeros.
TensorCut cut_n_of_m(const TensorView& tensor, const Pattern& pattern, Orientation orientation,
                     std::uint64_t zeros_before, unsigned threads);

/// How many of n elements (or blocks) each level prunes.
std::vector<std::uint64_t> level_counts(const PruneOptions& options, std::uint64_t n);

/// `options` with the level and the scope that the pattern fixes. Throws Error for what does not go with a pattern.
PruneOptions completed(const PruneOptions& options);

/// Fills the cuts, counts and notes of a plan whose pattern is not kUnstructured. Throws Error for a tensor that is no
/// matrix.
void plan_pattern(const Model& model, PrunePlan& plan);

/// For each set the entries of `parameters` (by index into it) that its globs match. Throws Error for a glob that
/// matches nothing and for a parameter that two sets claim.
std::vector<std::vector<std::size_t>> members_of(const Model& model, const std::vector<std::size_t>& parameters,
                                                 const std::vector<PruneSet>& sets);

/// Number of zeros (of either sign) per tensor.
std::vector<std::uint64_t> count_zeros(std::span<const TensorView> tensors, unsigned threads);

/// Zeros of one tensor after a random cut: those drawn and those that were 0 already.
std::uint64_t zeros_after_random(const TensorView& tensor, std::uint64_t first_position, const TensorCut& cut,
                                 std::uint64_t seed, unsigned threads);

/// Zeros of one tensor after each of `cuts`: those in blocks that go, and those that were 0 already.
std::vector<std::uint64_t> zeros_after_blocks(const TensorView& tensor, const Tiling& tiling,
                                              std::span<const TensorCut* const> cuts, unsigned threads);

}  // namespace pare::prune
