#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "base/aligned_buffer.h"
#include "base/parallel.h"
#include "kernels/panel_rows.h"
#include "linear/sparse_matrix.h"

namespace pare::linear {
namespace {

using kernels::kSliceOutputs;
using kernels::kTileOutputs;

constexpr std::size_t kOneByOne = 4;    ///< up to this many tokens, panels would be mostly empty and slower
constexpr std::size_t kFewTokens = 16;  ///< up to this many tokens, a panel is small for any number of inputs
constexpr std::size_t kMostInputs =
    1024;  ///< inputs of a block: 256 KiB for a panel of 64 tokens, which fit the second-level cache
constexpr std::size_t kLeastInputs = 128;  ///< inputs of a block: 32 KiB, which leave room in the first-level cache
constexpr double kBlockNonzeros =
    9;  ///< nonzeros that each output should have in a block, because sums are stored once per block
/// Inputs of a block are at least this many divided by the square root of the density, as measured: the larger a block,
/// the less often sums are stored, but the more of its panel is read from the second-level cache.
constexpr double kBalancedInputs = 60;

/// Memory for `size` floats, which each thread reuses: allocating it each time would take longer than a small product.
float* scratch(std::size_t size) {
  thread_local base::AlignedBuffer<float> room;
  if (room.size() < size) room = base::AlignedBuffer<float>(size);
  return room.data();
}

}  // namespace

std::size_t block_inputs(const LayerWeights& weights, std::size_t nonzeros, std::size_t tokens) {
  const double density = static_cast<double>(nonzeros) /
                         std::max(1.0, static_cast<double>(weights.in()) * static_cast<double>(weights.out()));
  if (tokens <= kFewTokens || density * kMostInputs < kBlockNonzeros) return kMostInputs;
  const double inputs = std::max(kBlockNonzeros / density, kBalancedInputs / std::sqrt(density));
  return std::max(kLeastInputs, static_cast<std::size_t>(inputs));
}

/// The outputs of each slice, and its number of steps.
struct SlicedMatrix::Plan {
  std::vector<std::uint16_t> outputs, steps;
};

SlicedMatrix::SlicedMatrix(const LayerWeights& weights, std::size_t most, LayoutMemory& memory, const Context& context)
    : in_(weights.in()),
      out_(weights.out()),
      blocks_(std::max<std::size_t>(1, (in_ + most - 1) / most)),
      tiles_((out_ + kTileOutputs - 1) / kTileOutputs),
      type_(weights.view.type) {
  block_ = (in_ + blocks_ - 1) / blocks_;
  Plan plan;
  plan.steps.resize(first_slice(tiles_, 0));
  plan.outputs.assign(plan.steps.size() * kSliceOutputs, kernels::kNoOutput);
  base::parallel_for(tiles_, context, [&](std::size_t tile, unsigned) { plan_tile(weights, tile, plan); });
  reserve(plan, memory);
  base::parallel_for(tiles_, context, [&](std::size_t tile, unsigned) { fill(weights, plan, tile); });
}

std::size_t SlicedMatrix::first_slice(std::size_t tile, std::size_t block) const {
  if (tiles_ == 0) return 0;
  if (tile == tiles_) return first_slice(tile - 1, blocks_);
  return tile * blocks_ * (kTileOutputs / kSliceOutputs) +
         block * ((tile_outputs(tile) + kSliceOutputs - 1) / kSliceOutputs);
}

kernels::Slices SlicedMatrix::slices(std::size_t tile, std::size_t block) const {
  const std::size_t first = first_slice(tile, block);
  return {steps_ + first, first_slice(tile, block + 1) - first, storage_ + begin_[tile * blocks_ + block], type_};
}

/// Sorts outputs with many nonzeros first, so that the outputs of a slice have similar numbers; ties by index.
void SlicedMatrix::plan_tile(const LayerWeights& weights, std::size_t tile, Plan& plan) const {
  const std::size_t begin = tile * kTileOutputs, outputs = tile_outputs(tile);
  std::vector<std::uint32_t> counts(blocks_ * outputs);
  for_nonzeros(weights, begin, begin + outputs, 0, in_,
               [&](std::size_t o, std::size_t k, auto) { ++counts[k / block_ * outputs + o - begin]; });
  for (std::size_t block = 0; block < blocks_; ++block) {
    const std::uint32_t* of = counts.data() + block * outputs;
    std::uint16_t* order = plan.outputs.data() + first_slice(tile, block) * kSliceOutputs;
    std::iota(order, order + outputs, std::uint16_t{0});
    std::stable_sort(order, order + outputs, [&](auto a, auto b) { return of[a] > of[b]; });
    std::uint16_t* steps = plan.steps.data() + first_slice(tile, block);
    for (std::size_t i = 0; i < outputs; i += kSliceOutputs) *steps++ = static_cast<std::uint16_t>(of[order[i]]);
  }
}

void SlicedMatrix::reserve(const Plan& plan, LayoutMemory& memory) {
  std::vector<std::uint64_t> begin(tiles_ * blocks_);
  const std::size_t steps_at = begin.size() * sizeof(std::uint64_t);
  std::size_t end = (steps_at + plan.steps.size() * sizeof(std::uint16_t) + 63) / 64 * 64;
  for (std::size_t tile = 0; tile < tiles_; ++tile)
    for (std::size_t block = 0; block < blocks_; ++block) {
      begin[tile * blocks_ + block] = end;
      for (std::size_t s = first_slice(tile, block); s < first_slice(tile, block + 1); ++s) {
        end += kernels::slice_bytes(plan.steps[s], type_);
        entries_ += plan.steps[s] * kSliceOutputs;
      }
    }
  storage_ = memory.allocate<std::byte>(end);
  std::memcpy(storage_, begin.data(), steps_at);
  std::memcpy(storage_ + steps_at, plan.steps.data(), plan.steps.size() * sizeof(std::uint16_t));
  begin_ = reinterpret_cast<const std::uint64_t*>(storage_);
  steps_ = reinterpret_cast<const std::uint16_t*>(storage_ + steps_at);
}

void SlicedMatrix::fill(const LayerWeights& weights, const Plan& plan, std::size_t tile) {
  struct Place {
    std::byte* slice;
    std::size_t lane, steps, step;
  };
  const std::size_t first = tile * kTileOutputs, end = first + tile_outputs(tile);
  for (std::size_t block = 0; block < blocks_; ++block) {
    Place places[kTileOutputs + 1];  // position of each output's next nonzero
    std::byte* slice = storage_ + begin_[tile * blocks_ + block];
    for (std::size_t s = first_slice(tile, block); s < first_slice(tile, block + 1); ++s) {
      const std::uint16_t* outputs = plan.outputs.data() + s * kSliceOutputs;
      std::memset(slice, 0, kernels::slice_bytes(steps_[s], type_));
      std::memcpy(slice, outputs, kSliceOutputs * sizeof *outputs);
      for (std::size_t lane = 0; lane < kSliceOutputs; ++lane) places[outputs[lane]] = {slice, lane, steps_[s], 0};
      slice += kernels::slice_bytes(steps_[s], type_);
    }
    const std::size_t begin = block * block_;
    for_nonzeros(weights, first, end, begin, std::min(in_, begin + block_), [&](std::size_t o, std::size_t k, auto w) {
      Place& place = places[o - first];
      std::byte *inputs = place.slice + kernels::slice_inputs_at(place.steps, place.step, type_),
                *values = place.slice + kernels::slice_weights_at(place.steps, place.step, type_);
      reinterpret_cast<std::uint16_t*>(inputs)[place.lane] = static_cast<std::uint16_t>(k - begin);
      reinterpret_cast<decltype(w)*>(values)[place.lane] = w;
      ++place.step;
    });
  }
}

void SlicedMatrix::multiply_one_by_one(const Matrix& x, const float* bias, Matrix& y, std::size_t tile) const {
  const std::size_t first = tile * kTileOutputs;
  for (std::size_t row = 0; row < x.rows; ++row) {
    float sums[kTileOutputs + 1] = {};
    for (std::size_t block = 0; block < blocks_; ++block)
      kernels::multiply_slices_once(slices(tile, block), x.row(row) + block * block_, sums);
    for (std::size_t o = 0; o < tile_outputs(tile); ++o)
      y.row(row)[first + o] = sums[o] + (bias == nullptr ? 0 : bias[first + o]);
  }
}

Work SlicedMatrix::work(const Matrix& x, const float* bias, Matrix& y, std::size_t pieces) const {
  // Reading the weights takes most of the time, so a weight counts as ten multiply-adds.
  pieces = std::min(tiles_, pieces);
  return {pieces, x.rows * 10 * entries_, [=, this, &x, &y](std::size_t piece) {
            for (std::size_t tile = piece * tiles_ / pieces; tile < (piece + 1) * tiles_ / pieces; ++tile)
              multiply_one_by_one(x, bias, y, tile);
          }};
}

/// The sums of a tile: a row for each output and one more.
void SlicedMatrix::multiply_tile(std::size_t tile, const float* panel, std::size_t width, float* sums) const {
  for (std::size_t block = 0; block < blocks_; ++block)
    kernels::multiply_slices(slices(tile, block), panel + block * block_ * width, width, block != 0, sums);
}

void SlicedMatrix::multiply_panel(const float* x, std::size_t width, const float* bias, float* y,
                                  const Context& context) const {
  const unsigned threads = base::worthwhile_threads(context, width * entries_);
  const std::size_t parts = std::min<std::size_t>(threads, tiles_);
  base::parallel_for(parts, context.with_threads(threads), [&](std::size_t part, unsigned) {
    for (std::size_t tile = part * tiles_ / parts; tile < (part + 1) * tiles_ / parts; ++tile) {
      const std::size_t first = tile * kTileOutputs, outputs = tile_outputs(tile);
      float* to = y + first * width;
      // Only slices that are not full have sums that nobody wants.
      const bool full = outputs % kSliceOutputs == 0;
      float* sums = full ? to : scratch((kTileOutputs + 1) * width);
      multiply_tile(tile, x, width, sums);
      if (!full) std::copy_n(sums, outputs * width, to);
      if (bias != nullptr) kernels::add_to_rows(to, width, outputs, bias + first);
    }
  });
}

/// `count` rows of x, outputs of tiles [begin, end).
void SlicedMatrix::multiply_rows(const float* x, std::size_t count, std::size_t begin, std::size_t end,
                                 const float* bias, float* y) const {
  const std::size_t lanes = kernels::lanes(), width = (count + lanes - 1) / lanes * lanes;
  float *panel = scratch((in_ + kTileOutputs + 1) * width), *sums = panel + in_ * width;
  kernels::to_panel(x, in_, count, in_, panel, width);
  for (std::size_t tile = begin; tile < end; ++tile) {
    multiply_tile(tile, panel, width, sums);
    const std::size_t output = tile * kTileOutputs;
    kernels::from_panel(sums, width, count, tile_outputs(tile), bias == nullptr ? nullptr : bias + output, y + output,
                        out_);
  }
}

void SlicedMatrix::multiply(const Matrix& x, const float* bias, Matrix& y, const Context& context) const {
  if (x.rows <= kOneByOne) {
    // Each thread reads one long stretch of the weights, which the hardware prefetches.
    const Work work = this->work(x, bias, y, base::thread_count(context));
    return base::parallel_for(work.pieces, base::worthwhile(context, work.multiply_adds),
                              [&](std::size_t piece, unsigned) { work.compute(piece); });
  }
  multiply_many(x.values.data(), x.rows, bias, y.values.data(), context);
}

void SlicedMatrix::multiply_many(const float* x, std::size_t rows, const float* bias, float* y,
                                 const Context& context) const {
  const std::size_t lanes = kernels::lanes(), most = kernels::kMostVectors * lanes, panels = (rows + most - 1) / most;
  const unsigned threads = base::worthwhile_threads(context, (rows + lanes - 1) / lanes * lanes * entries_);
  // Every thread that needs a panel converts it itself, which is faster than waiting for another thread.
  const std::size_t parts = panels >= 4 * threads || panels % threads == 0 ? 1 : std::min<std::size_t>(threads, tiles_);
  base::parallel_for(panels * parts, context.with_threads(threads), [&](std::size_t item, unsigned) {
    const std::size_t first = item / parts * most, part = item % parts;
    multiply_rows(x + first * in_, std::min(most, rows - first), part * tiles_ / parts, (part + 1) * tiles_ / parts,
                  bias, y + first * out_);
  });
}

}  // namespace pare::linear
