// Weight matrices without their zeros, in the layouts that the kernels of kernels/sparse.h read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/aligned_buffer.h"
#include "infer/layer_weights.h"
#include "kernels/sparse.h"
#include "pare/infer.h"

namespace pare::infer {

/// Most inputs that a block of a SlicedMatrix for so many tokens at once should have.
std::size_t block_inputs(const LayerWeights& weights, std::size_t nonzeros, std::size_t tokens);

/// Tiles of outputs by blocks of inputs, each in slices of 16 outputs with nearly as many nonzeros each: so few of the
/// steps are padding, and a block of inputs stays in a cache while a tile goes through it.
class SlicedMatrix {
 public:
  SlicedMatrix(const LayerWeights& weights, std::size_t block_inputs, unsigned threads);

  /// y = x W + b; every row of y is written.
  void multiply(const Matrix& x, const float* bias, Matrix& y, unsigned threads) const;
  std::size_t bytes() const noexcept;

 private:
  struct Tile {
    std::size_t first = 0, count = 0;      ///< outputs
    std::vector<std::size_t> block_begin;  ///< slices of each block of inputs, and where the last one ends
  };
  struct Counts;

  void place_slices(Tile& tile, const std::vector<Counts>& counts, std::size_t first_slice);
  void fill(const LayerWeights& weights, const Tile& tile);
  void multiply_once(const float* x, const float* bias, float* y, unsigned threads) const;
  void multiply_panel(const Matrix& x, std::size_t first, std::size_t count, std::size_t begin, std::size_t end,
                      const float* bias, Matrix& y) const;

  std::size_t in_, out_, block_;
  std::vector<Tile> tiles_;
  std::vector<kernels::Slice> slices_;
  base::AlignedBuffer<std::uint16_t> inputs_, outputs_;
  base::AlignedBuffer<float> weights_;
};

/// Masks of 16 outputs for each input, and the weights of their bits.
class MaskedMatrix {
 public:
  MaskedMatrix(const LayerWeights& weights, unsigned threads);

  /// y = x W + b for at most kernels::kMaskedRows rows.
  void multiply(const Matrix& x, const float* bias, Matrix& y, unsigned threads) const;
  std::size_t bytes() const noexcept { return masks_.bytes() + weights_.bytes(); }

 private:
  std::size_t in_, out_;
  std::vector<std::size_t> begin_;  ///< of the weights of each 16 outputs
  base::AlignedBuffer<std::uint16_t> masks_;
  base::AlignedBuffer<float> weights_;
};

}  // namespace pare::infer
