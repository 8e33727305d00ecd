// Weight matrices without their zeros, in the layouts that the kernels in kernels/sparse/sparse.h read.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/sparse/sparse.h"
#include "linear/layer_weights.h"
#include "linear/layout_memory.h"
#include "linear/pieces_of_work.h"
#include "pare/linear.h"

namespace pare::linear {

// The matrices lie in a LayoutMemory, which must outlive them.

/// Largest number of inputs that a block of a SlicedMatrix should have for this number of tokens at once.
std::size_t block_inputs(const LayerWeights& weights, std::size_t nonzeros, std::size_t tokens);

// Weights stay in the type in which they come; those of 16 bits give the same results as if they were F32.

/// Tiles of outputs by blocks of inputs, each in slices of 16 outputs with similar numbers of nonzeros. Little padding
/// is needed, and a block of inputs stays in a cache while a tile is computed.
class SlicedMatrix {
 public:
  SlicedMatrix(const LayerWeights& weights, std::size_t block_inputs, LayoutMemory& memory, const Context& context);

  /// y = x W + b; every row of y is written.
  void multiply(const Matrix& x, const float* bias, Matrix& y, const Context& context) const;
  /// The same for more than a few rows of any memory: [rows, in] to [rows, out].
  void multiply_many(const float* x, std::size_t rows, const float* bias, float* y, const Context& context) const;
  /// The same in at most `pieces` pieces, for at most kernels::kFewRows rows.
  Work work(const Matrix& x, const float* bias, Matrix& y, std::size_t pieces) const;
  /// The same sums for a panel of inputs [in, width], as a panel of outputs [out, width].
  void multiply_panel(const float* x, std::size_t width, const float* bias, float* y, const Context& context) const;

 private:
  struct Plan;

  std::size_t tile_outputs(std::size_t tile) const {
    return std::min(kernels::kTileOutputs, out_ - tile * kernels::kTileOutputs);
  }
  std::size_t first_slice(std::size_t tile, std::size_t block) const;
  kernels::Slices slices(std::size_t tile, std::size_t block) const;
  void plan_tile(const LayerWeights& weights, std::size_t tile, Plan& plan) const;
  void reserve(const Plan& plan, LayoutMemory& memory);
  void fill(const LayerWeights& weights, const Plan& plan, std::size_t tile);
  void multiply_one_by_one(const Matrix& x, const float* bias, Matrix& y, std::size_t tile) const;
  void multiply_tile(std::size_t tile, const float* panel, std::size_t width, float* sums) const;
  void multiply_rows(const float* x, std::size_t count, std::size_t begin, std::size_t end, const float* bias,
                     float* y) const;

  std::size_t in_, out_, block_, blocks_, tiles_;
  FloatType type_;
  std::size_t entries_ = 0;               ///< number of weights, including padding
  std::byte* storage_ = nullptr;          ///< everything that multiply() reads, in one piece of memory
  const std::uint64_t* begin_ = nullptr;  ///< in storage_: offsets of the slices of each tile and block
  const std::uint16_t* steps_ = nullptr;  ///< in storage_: number of steps of each slice
};

/// Masks of 16 outputs for each input, and the weights of the set bits.
class MaskedMatrix {
 public:
  MaskedMatrix(const LayerWeights& weights, LayoutMemory& memory, const Context& context);

  /// y = x W + b for at most kernels::kMaskedRows rows.
  void multiply(const Matrix& x, const float* bias, Matrix& y, const Context& context) const;
  /// The same in at most `pieces` pieces.
  Work work(const Matrix& x, const float* bias, Matrix& y, std::size_t pieces) const;

 private:
  std::size_t in_, out_;
  std::vector<std::size_t> begin_;  ///< index of the first weight of each 16 outputs
  FloatType type_;
  std::uint16_t* masks_ = nullptr;
  std::byte* weights_ = nullptr;
};

}  // namespace pare::linear
