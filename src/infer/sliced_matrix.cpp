#include <algorithm>
#include <numeric>

#include "base/parallel.h"
#include "infer/sparse_matrix.h"

namespace pare::infer {
namespace {

using kernels::kSliceOutputs;
using kernels::Slice;

constexpr std::size_t kTileOutputs = 128;  ///< whose sums, for a panel of 64 tokens, take 32 KiB
constexpr std::size_t kFewTokens = 16;     ///< whose panel is small whatever the inputs
constexpr std::size_t kMostInputs = 1024;  ///< of a block: for a panel of 64 tokens 256 KiB, in the second cache
constexpr std::size_t kLeastInputs = 192;  ///< of a block: 48 KiB, largely in the first cache
constexpr double kBlockNonzeros = 9;       ///< of an output, that a block is to have: its sums are stored that often

/// Room for `size` floats that a thread keeps: asking the system for it anew takes longer than a small product.
float* scratch(std::size_t size) {
  thread_local base::AlignedBuffer<float> room;
  if (room.size() < size) room = base::AlignedBuffer<float>(size);
  return room.data();
}

}  // namespace

std::size_t block_inputs(const LayerWeights& weights, std::size_t nonzeros, std::size_t tokens) {
  const double density =
      static_cast<double>(nonzeros) / std::max(1.0, static_cast<double>(weights.in) * static_cast<double>(weights.out));
  // Where many weights are not zero their inputs lie close together, and what reads the memory ahead finds them.
  if (tokens <= kFewTokens || density > 0.3 || density * kMostInputs < kBlockNonzeros) return kMostInputs;
  return std::max(kLeastInputs, static_cast<std::size_t>(kBlockNonzeros / density));
}

/// Nonzeros of each output of a tile within one block of inputs.
struct SlicedMatrix::Counts {
  std::uint32_t of[kTileOutputs] = {};
};

SlicedMatrix::SlicedMatrix(const LayerWeights& weights, std::size_t most, unsigned threads)
    : in_(weights.in), out_(weights.out) {
  const std::size_t blocks = std::max<std::size_t>(1, (in_ + most - 1) / most);
  block_ = (in_ + blocks - 1) / blocks;
  tiles_.resize((out_ + kTileOutputs - 1) / kTileOutputs);
  std::vector<std::vector<Counts>> counts(tiles_.size());
  base::parallel_for(tiles_.size(), threads, [&](std::size_t t, unsigned) {
    Tile& tile = tiles_[t];
    tile.first = t * kTileOutputs;
    tile.count = std::min(kTileOutputs, out_ - tile.first);
    counts[t].resize(blocks);
    for_nonzeros(weights, tile.first, tile.first + tile.count, 0, in_,
                 [&](std::size_t o, std::size_t k, float) { ++counts[t][k / block_].of[o - tile.first]; });
  });
  std::size_t slices = 0;
  for (const Tile& tile : tiles_) slices += blocks * ((tile.count + kSliceOutputs - 1) / kSliceOutputs);
  slices_.resize(slices);
  outputs_ = base::AlignedBuffer<std::uint16_t>(slices * kSliceOutputs);
  std::size_t next = 0;
  for (std::size_t t = 0; t < tiles_.size(); ++t) {
    place_slices(tiles_[t], counts[t], next);
    next = tiles_[t].block_begin.back();
  }
  std::size_t entries = 0;
  for (const Slice& slice : slices_) entries += slice.steps * kSliceOutputs;
  inputs_ = base::AlignedBuffer<std::uint16_t>(entries);
  weights_ = base::AlignedBuffer<float>(entries);
  entries = 0;
  for (Slice& slice : slices_) {
    slice.input = inputs_.data() + entries;
    slice.weight = weights_.data() + entries;
    entries += slice.steps * kSliceOutputs;
  }
  base::parallel_for(tiles_.size(), threads, [&](std::size_t t, unsigned) { fill(weights, tiles_[t]); });
}

/// Outputs with many nonzeros first, so that those of a slice have nearly as many; ties by number.
void SlicedMatrix::place_slices(Tile& tile, const std::vector<Counts>& counts, std::size_t first_slice) {
  std::size_t next = first_slice;
  for (const Counts& block : counts) {
    tile.block_begin.push_back(next);
    std::vector<std::uint16_t> order(tile.count);
    std::iota(order.begin(), order.end(), std::uint16_t{0});
    std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return block.of[a] > block.of[b]; });
    for (std::size_t i = 0; i < tile.count; i += kSliceOutputs, ++next) {
      std::uint16_t* outputs = outputs_.data() + next * kSliceOutputs;
      slices_[next].output = outputs;
      slices_[next].steps = block.of[order[i]];
      for (std::size_t lane = 0; lane < kSliceOutputs; ++lane)
        outputs[lane] = i + lane < tile.count ? order[i + lane] : kernels::kNoOutput;
    }
  }
  tile.block_begin.push_back(next);
}

void SlicedMatrix::fill(const LayerWeights& weights, const Tile& tile) {
  struct Place {
    std::uint16_t* input;
    float* weight;
  };
  for (std::size_t block = 0; block + 1 < tile.block_begin.size(); ++block) {
    std::vector<Place> places(tile.count);  // of each output's next nonzero
    for (std::size_t s = tile.block_begin[block]; s < tile.block_begin[block + 1]; ++s) {
      const Slice& slice = slices_[s];
      const auto offset = slice.input - inputs_.data();
      std::fill_n(inputs_.data() + offset, slice.steps * kSliceOutputs, std::uint16_t{0});
      std::fill_n(weights_.data() + offset, slice.steps * kSliceOutputs, 0.0F);
      for (std::size_t lane = 0; lane < kSliceOutputs; ++lane)
        if (slice.output[lane] != kernels::kNoOutput)
          places[slice.output[lane]] = {inputs_.data() + offset + lane, weights_.data() + offset + lane};
    }
    const std::size_t begin = block * block_;
    for_nonzeros(weights, tile.first, tile.first + tile.count, begin, std::min(in_, begin + block_),
                 [&](std::size_t o, std::size_t k, float w) {
                   Place& place = places[o - tile.first];
                   *place.input = static_cast<std::uint16_t>(k - begin);
                   *place.weight = w;
                   place.input += kSliceOutputs;
                   place.weight += kSliceOutputs;
                 });
  }
}

void SlicedMatrix::multiply_once(const float* x, const float* bias, float* y, unsigned requested) const {
  const unsigned threads = base::worthwhile_threads(requested, 24 * weights_.size());
  base::parallel_for(tiles_.size(), threads, [&](std::size_t t, unsigned) {
    const Tile& tile = tiles_[t];
    float sums[kTileOutputs] = {};
    for (std::size_t block = 0; block + 1 < tile.block_begin.size(); ++block)
      kernels::multiply_slices_once(slices_.data() + tile.block_begin[block],
                                    tile.block_begin[block + 1] - tile.block_begin[block], x + block * block_, sums);
    for (std::size_t o = 0; o < tile.count; ++o)
      y[tile.first + o] = sums[o] + (bias == nullptr ? 0 : bias[tile.first + o]);
  });
}

/// Rows [first, first + count) of x, outputs of tiles [begin, end).
void SlicedMatrix::multiply_panel(const Matrix& x, std::size_t first, std::size_t count, std::size_t begin,
                                  std::size_t end, const float* bias, Matrix& y) const {
  const std::size_t lanes = kernels::lanes(), width = (count + lanes - 1) / lanes * lanes;
  float *panel = scratch((in_ + kTileOutputs) * width), *sums = panel + in_ * width;
  kernels::to_panel(x.row(first), x.columns, count, in_, panel, width);
  for (std::size_t t = begin; t < end; ++t) {
    const Tile& tile = tiles_[t];
    for (std::size_t block = 0; block + 1 < tile.block_begin.size(); ++block)
      kernels::multiply_slices(slices_.data() + tile.block_begin[block],
                               tile.block_begin[block + 1] - tile.block_begin[block], panel + block * block_ * width,
                               width, block != 0, sums);
    kernels::from_panel(sums, width, count, tile.count, bias == nullptr ? nullptr : bias + tile.first,
                        y.row(first) + tile.first, y.columns);
  }
}

void SlicedMatrix::multiply(const Matrix& x, const float* bias, Matrix& y, unsigned requested) const {
  if (x.rows == 1) return multiply_once(x.row(0), bias, y.row(0), requested);
  const unsigned threads = base::worthwhile_threads(requested, x.rows * weights_.size());
  const std::size_t most = kernels::kMostVectors * kernels::lanes(), panels = (x.rows + most - 1) / most;
  // A panel is turned by every thread that has a part of it: better than one thread waiting for the other.
  const std::size_t parts =
      panels >= 4 * threads || panels % threads == 0 ? 1 : std::min<std::size_t>(threads, tiles_.size());
  base::parallel_for(panels * parts, threads, [&](std::size_t item, unsigned) {
    const std::size_t first = item / parts * most, part = item % parts;
    multiply_panel(x, first, std::min(most, x.rows - first), part * tiles_.size() / parts,
                   (part + 1) * tiles_.size() / parts, bias, y);
  });
}

std::size_t SlicedMatrix::bytes() const noexcept {
  return inputs_.bytes() + outputs_.bytes() + weights_.bytes() + slices_.size() * sizeof(Slice);
}

}  // namespace pare::infer
