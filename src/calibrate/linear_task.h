// One linear to be pruned: its weights, what is known of its inputs, and how much is to go.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "calibrate/layer_inputs.h"
#include "pare/prune.h"

namespace pare::calibrate {

/// Weights as [out, in], whatever the orientation in which they are stored.
struct LinearTask {
  std::size_t out = 0, in = 0;
  bool out_in = true;  ///< whether they are stored like that
  Pattern pattern;     ///< unstructured or N:M
  Amount amount;       ///< for an unstructured pattern
  std::vector<float> weights;
  std::vector<std::uint8_t> removed;  ///< result: 1 for weights that become zero
  bool changed = false;               ///< result: whether weights that remain have new values

  float* row(std::size_t i) noexcept { return weights.data() + i * in; }
  std::uint8_t* removed_row(std::size_t i) noexcept { return removed.data() + i * in; }
  /// Index of a weight in the stored matrix.
  std::size_t stored(std::size_t row, std::size_t column) const noexcept {
    return out_in ? row * in + column : column * out + row;
  }
};

/// Number of weights that a group of `size` consecutive inputs of an N:M pattern loses.
std::size_t removed_of_group(const Pattern& pattern, std::size_t size);

/// A weight that may be removed. Of equal scores, the lower index goes first.
struct Candidate {
  std::uint64_t key;    ///< the score's order: see score_key()
  std::uint64_t index;  ///< in the stored matrix
  std::uint32_t row, column;
  bool operator<(const Candidate& other) const noexcept {
    return key != other.key ? key < other.key : index < other.index;
  }
};
/// The bits of a score that is not negative, which order scores as numbers do, with NaN last.
std::uint64_t score_key(double score) noexcept;

/// Marks the `count` first of the candidates as removed; reorders them.
void remove_smallest(std::vector<Candidate>& candidates, std::size_t count, LinearTask& task);

/// Throws Error (kUnsupported) for weights that are not finite, which cannot be fitted. `name`: of the tensor.
void require_finite(const LinearTask& task, const std::string& source, const std::string& name);

/// Removes the smallest weights of the matrix, or of each group: for a linear of whose inputs nothing is known.
void prune_by_magnitude(LinearTask& task);

}  // namespace pare::calibrate
