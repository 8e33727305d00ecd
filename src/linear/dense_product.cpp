#include "linear/dense_product.h"

#include <dnnl.h>

#include <algorithm>
#include <cstdint>
#include <memory>

#include "base/aligned_buffer.h"
#include "base/parallel.h"
#include "kernels/float_convert.h"
#include "kernels/matvec.h"
#include "linear/one_openmp_thread.h"
#include "pare/error.h"

namespace pare::linear {
namespace {

// Weights that are widened together: in the second-level cache if possible. Fewer columns make oneDNN much slower.
constexpr std::size_t kPanelBytes = std::size_t{1} << 20, kLeastPanelColumns = 128;
constexpr std::size_t kColumnUnit = 64;  ///< whole vectors
constexpr std::size_t kLineFloats = 16;  ///< floats in a cache line

/// Number of columns in each of about `count` pieces, which are long runs of weights.
std::size_t piece_of(std::size_t columns, std::size_t count) {
  return ((columns + count - 1) / count + kColumnUnit - 1) / kColumnUnit * kColumnUnit;
}

/// Some columns of W as F32: in place, or widened in memory that each thread reuses.
WeightView widen(const WeightView& part) {
  if (part.type == FloatType::kF32) return part;
  thread_local base::AlignedBuffer<float> room;
  if (room.size() < part.rows * part.columns) room = base::AlignedBuffer<float>(part.rows * part.columns);
  for (std::size_t row = 0; row < part.rows; ++row)
    kernels::to_f32(part.type, part.at(row), part.columns, room.data() + row * part.columns);
  return {room.data(), part.rows, part.columns};
}

/// Columns [begin, end) of y = x W + b by oneDNN, on the calling thread alone.
void multiply_columns(const LayerWeights& weights, const Matrix& x, const float* bias, Matrix& y, std::size_t begin,
                      std::size_t end) {
  const std::size_t width = end - begin;
  if (bias != nullptr)
    for (std::size_t row = 0; row < x.rows; ++row) std::copy_n(bias + begin, width, y.row(row) + begin);
  const WeightView part = widen(weights.out_in ? weights.view.part(begin, width, 0, weights.in())
                                               : weights.view.part(0, weights.in(), begin, width));
  const auto size = [](std::size_t n) { return static_cast<dnnl_dim_t>(n); };
  const OneOpenMpThread one_thread;
  const dnnl_status_t status =
      dnnl_sgemm('N', weights.out_in ? 'T' : 'N', size(x.rows), size(width), size(weights.in()), 1.0F, x.values.data(),
                 size(x.columns), reinterpret_cast<const float*>(part.data), size(part.stride),
                 bias != nullptr ? 1.0F : 0.0F, y.values.data() + begin, size(y.columns));
  if (status != dnnl_success) throw Error(ErrorCode::kUnavailable, "oneDNN cannot multiply matrices here");
}

}  // namespace

Work dense_work(const LayerWeights& weights, const Matrix& x, const float* bias, Matrix& y, std::size_t pieces) {
  const std::size_t in = weights.in(), out = weights.out(), columns = piece_of(out, pieces);
  // Several rows are read so often that vectors which cross cache lines cost more than a copy.
  const float* inputs = x.values.data();
  std::shared_ptr<base::AlignedBuffer<float>> aligned;
  if (x.rows > 1 && in % kLineFloats == 0 && reinterpret_cast<std::uintptr_t>(inputs) % (4 * kLineFloats) != 0) {
    aligned = std::make_shared<base::AlignedBuffer<float>>(x.values.size());
    std::copy_n(inputs, x.values.size(), aligned->data());
  }
  return {(out + columns - 1) / columns, x.rows * in * out, [=, &x, &y](std::size_t piece) {
            const std::size_t begin = piece * columns, end = std::min(out, begin + columns);
            const auto multiply = weights.out_in ? kernels::multiply_out_in : kernels::multiply_in_out;
            multiply(aligned ? aligned->data() : inputs, x.rows, weights.view, begin, end, bias, y.values.data(),
                     y.columns);
          }};
}

void multiply_dense(const LayerWeights& weights, const Matrix& x, const float* bias, Matrix& y,
                    const Context& context) {
  // Each thread has a piece of columns. 16-bit weights are widened a panel of it at a time; a rest that is narrower
  // than a unit belongs to the panel before it, because oneDNN adds in another order for a single column.
  const std::size_t out = weights.out(), piece = piece_of(out, base::thread_count(context));
  std::size_t panel = piece;
  if (weights.view.type != FloatType::kF32) {
    const std::size_t columns = kPanelBytes / sizeof(float) / std::max<std::size_t>(1, weights.in());
    panel = std::min(piece, std::max(kLeastPanelColumns, columns / kColumnUnit * kColumnUnit));
  }
  const std::size_t panels = (piece + panel - 1) / panel;  // of a piece
  base::parallel_for((out + piece - 1) / piece * panels, context, [&](std::size_t item, unsigned) {
    const std::size_t first = item / panels * piece, last = std::min(out, first + piece);
    const std::size_t begin = first + item % panels * panel, end = std::min(last, begin + panel);
    const bool joins = begin != first && (begin >= last || last - begin < kColumnUnit);
    if (!joins) multiply_columns(weights, x, bias, y, begin, last - end < kColumnUnit ? last : end);
  });
}

}  // namespace pare::linear
