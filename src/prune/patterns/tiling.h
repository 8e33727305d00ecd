// Divides a matrix into blocks and computes one number for each.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "pare/prune.h"

namespace pare::prune {

/// The blocks of a stored matrix, in C order. Blocks at the ends of the axes may be smaller.
struct Tiling {
  std::uint64_t rows = 0, columns = 0;              ///< of the matrix
  std::uint64_t block_rows = 1, block_columns = 1;  ///< at most the matrix'
  std::uint64_t whole = 1;                          ///< elements of a whole block

  std::uint64_t bands() const noexcept { return (rows + block_rows - 1) / block_rows; }
  std::uint64_t strips() const noexcept { return (columns + block_columns - 1) / block_columns; }
  std::uint64_t blocks() const noexcept { return bands() * strips(); }
  /// Number of elements of a block, which is smaller at the ends of the axes.
  std::uint64_t elements(std::uint64_t block) const noexcept;
};

/// The tiling by the pattern's rows, columns, blocks or (for N:M) groups. `tensor` must be a matrix.
Tiling tiling_of(const Pattern& pattern, Orientation orientation, const TensorView& tensor);

/// Elements at the end of the axes that the pattern does not divide: those of the input axis, of the output axis.
struct Remainder {
  std::uint64_t inputs = 0, outputs = 0;
};
Remainder remainder_of(const Pattern& pattern, Orientation orientation, const TensorView& tensor);

/// The number computed from a block's elements.
enum class Fold : std::uint8_t { kSum, kSumOfSquares, kLargest };

/// `values[i]` belongs to block `first + i` of tensor `tensor`: a sum of |w| or of w * w, or the largest |w|. A NaN is
/// the one positive quiet NaN. The same values for any number of threads.
using VisitBlocks =
    std::function<void(unsigned worker, std::size_t tensor, std::uint64_t first, std::span<const double> values)>;
void fold_blocks(std::span<const TensorView> tensors, std::span<const Tiling> tilings, Fold fold,
                 const Context& context, const VisitBlocks& visit);

}  // namespace pare::prune
