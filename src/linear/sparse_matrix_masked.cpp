#include <algorithm>
#include <bit>
#include <cstring>

#include "base/parallel.h"
#include "linear/sparse_matrix.h"

namespace pare::linear {
namespace {

using kernels::kSliceOutputs;

}  // namespace

MaskedMatrix::MaskedMatrix(const LayerWeights& weights, LayoutMemory& memory, const Context& context)
    : in_(weights.in()),
      out_(weights.out()),
      begin_((out_ + kSliceOutputs - 1) / kSliceOutputs + 1),
      type_(weights.view.type) {
  const std::size_t groups = begin_.size() - 1;
  masks_ = memory.allocate<std::uint16_t>(groups * in_);
  base::parallel_for(groups, base::worthwhile(context, in_ * out_), [&](std::size_t group, unsigned) {
    const std::size_t first = group * kSliceOutputs;
    std::uint16_t* masks = masks_ + group * in_;
    std::fill_n(masks, in_, std::uint16_t{0});
    std::size_t nonzeros = 0;
    for_nonzeros(weights, first, std::min(out_, first + kSliceOutputs), 0, in_,
                 [&](std::size_t o, std::size_t k, auto) {
                   masks[k] = static_cast<std::uint16_t>(masks[k] | 1U << (o - first));
                   ++nonzeros;
                 });
    begin_[group + 1] = nonzeros;
  });
  for (std::size_t group = 0; group < groups; ++group) begin_[group + 1] += begin_[group];
  const std::size_t size = kernels::weight_bytes(type_);
  weights_ = memory.allocate<std::byte>((begin_.back() + kernels::kMaskedAhead) * size);
  std::memset(weights_ + begin_.back() * size, 0, kernels::kMaskedAhead * size);
  base::parallel_for(groups, base::worthwhile(context, in_ * out_), [&](std::size_t group, unsigned) {
    const std::size_t first = group * kSliceOutputs;
    const std::uint16_t* masks = masks_ + group * in_;
    std::vector<std::size_t> place(in_);  // index of each input's first weight
    std::size_t next = begin_[group];
    for (std::size_t k = 0; k < in_; ++k) {
      place[k] = next;
      next += static_cast<std::size_t>(std::popcount(masks[k]));
    }
    for_nonzeros(weights, first, std::min(out_, first + kSliceOutputs), 0, in_,
                 [&](std::size_t o, std::size_t k, auto w) {
                   const unsigned before = masks[k] & ((1U << (o - first)) - 1);
                   const std::size_t index = place[k] + static_cast<std::size_t>(std::popcount(before));
                   reinterpret_cast<decltype(w)*>(weights_)[index] = w;
                 });
  });
}

Work MaskedMatrix::work(const Matrix& x, const float* bias, Matrix& y, std::size_t pieces) const {
  const std::size_t groups = begin_.size() - 1;
  pieces = std::min(groups, pieces);
  return {pieces, x.rows * in_ * out_, [=, this, &x, &y](std::size_t piece) {
            constexpr std::size_t kSome = 16;
            const std::size_t end = (piece + 1) * groups / pieces;
            for (std::size_t group = piece * groups / pieces; group < end; group += kSome) {
              const std::size_t count = std::min(kSome, end - group), output = group * kSliceOutputs;
              kernels::MaskedOutputs blocks[kSome];
              for (std::size_t b = 0; b < count; ++b)
                blocks[b] = {masks_ + (group + b) * in_, weights_ + begin_[group + b] * kernels::weight_bytes(type_),
                             in_, std::min(kSliceOutputs, out_ - output - b * kSliceOutputs), type_};
              kernels::multiply_masked(blocks, count, x.row(0), x.rows, x.columns,
                                       bias == nullptr ? nullptr : bias + output, y.row(0) + output, y.columns);
            }
          }};
}

void MaskedMatrix::multiply(const Matrix& x, const float* bias, Matrix& y, const Context& context) const {
  const unsigned threads = base::worthwhile_threads(context, x.rows * in_ * out_);
  const Work work = this->work(x, bias, y, 2 * threads);
  base::parallel_for(work.pieces, context.with_threads(threads),
                     [&](std::size_t piece, unsigned) { work.compute(piece); });
}

}  // namespace pare::linear
