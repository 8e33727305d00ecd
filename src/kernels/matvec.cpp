#include "kernels/matvec.h"

#include "kernels/one_to_four.h"
#include "kernels/targets.h"

#ifndef PARE_KERNELS_TOGETHER
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/matvec.cpp"  // NOLINT: Highway compiles this file per target
#include <hwy/foreach_target.h>
#endif
// Highway's per-target headers come after foreach_target.h.
#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cstdint>

#include "kernels/weights-inl.h"

HWY_BEFORE_NAMESPACE();
namespace pare::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

/// Room for the weights that do not fill two vectors, widened.
struct Rest {
  HWY_ALIGN float values[2 * HWY_MAX_BYTES / sizeof(float)];
};

/// kRows dot products with each of kOutputs rows of weights, which are `apart` from each other: several long streams,
/// which the hardware prefetches at once. Every sum is the same for any kOutputs.
template <class W, std::size_t kRows, std::size_t kOutputs>
HWY_INLINE void dot_products(const float* x, const typename W::Element* w, std::size_t stride, std::size_t in,
                             std::size_t apart, const float* bias, float* y, std::size_t y_stride) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  V sum[kOutputs][kRows][2];
  for (auto& output : sum)
    for (auto& row : output) row[0] = row[1] = hn::Zero(d);
  std::size_t i = 0;
  for (; i + 2 * lanes <= in; i += 2 * lanes) {
    V w0[kOutputs], w1[kOutputs];
    for (std::size_t o = 0; o < kOutputs; ++o) {
      w0[o] = W::load(d, w + o * apart * stride + i);
      w1[o] = W::load(d, w + o * apart * stride + i + lanes);
    }
    for (std::size_t r = 0; r < kRows; ++r) {
      const V x0 = hn::LoadU(d, x + r * in + i), x1 = hn::LoadU(d, x + r * in + i + lanes);
      for (std::size_t o = 0; o < kOutputs; ++o) {
        sum[o][r][0] = hn::MulAdd(x0, w0[o], sum[o][r][0]);
        sum[o][r][1] = hn::MulAdd(x1, w1[o], sum[o][r][1]);
      }
    }
  }
  for (std::size_t o = 0; o < kOutputs; ++o) {
    Rest room;
    const float* rest = widened<W>(d, w + o * apart * stride + i, in - i, room.values);
    for (std::size_t r = 0; r < kRows; ++r) {
      float total = hn::GetLane(hn::SumOfLanes(d, hn::Add(sum[o][r][0], sum[o][r][1])));
      for (std::size_t k = i; k < in; ++k) total += x[r * in + k] * rest[k - i];
      y[r * y_stride + o * apart] = total + (bias == nullptr ? 0 : bias[o * apart]);
    }
  }
}

/// Outputs [begin, end).
template <class W, std::size_t kRows>
HWY_INLINE void out_in_rows(const float* x, const WeightView& view, const typename W::Element* w, std::size_t begin,
                            std::size_t end, const float* bias, float* y, std::size_t y_stride) {
  // As many streams as leave registers for the sums.
  constexpr bool kMany = hn::MaxLanes(D()) >= 16;
  constexpr std::size_t kStreams = kRows == 1 ? 4 : kRows == 2 ? (kMany ? 4 : 2) : (kMany ? 2 : 1);
  const auto multiply = [&](auto streams, std::size_t o, std::size_t apart) HWY_ATTR {
    dot_products<W, kRows, streams()>(x, w + o * view.stride, view.stride, view.columns, apart,
                                      bias == nullptr ? nullptr : bias + o, y + o, y_stride);
  };
  const std::size_t apart = (end - begin) / kStreams;
  std::size_t o = begin;
  for (; o < begin + apart; ++o) multiply(std::integral_constant<std::size_t, kStreams>(), o, apart);
  o += apart * (kStreams - 1);
  for (; o < end; ++o) multiply(std::integral_constant<std::size_t, 1>(), o, 0);
}

/// y[r][0 .. width) += sum_k x[r][k] w[k][0 .. width) for kDepth rows of weights. Each row is read in one long run,
/// which is faster than reading a short piece of every row in turn. Meanwhile y stays in the cache. Rows that come soon
/// are prefetched, because the hardware does not see where they begin.
template <class W, std::size_t kRows, std::size_t kDepth>
HWY_INLINE void add_weight_rows(const float* x, std::size_t in, const typename W::Element* w, std::size_t stride,
                                std::size_t width, float* y, std::size_t y_stride) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  constexpr std::size_t kAhead = 16;  // rows
  const std::uintptr_t ahead =
      reinterpret_cast<std::uintptr_t>(w) + kAhead * stride * sizeof *w;  // may be past the end
  V factor[kRows][kDepth];
  for (std::size_t r = 0; r < kRows; ++r)
    for (std::size_t k = 0; k < kDepth; ++k) factor[r][k] = hn::Set(d, x[r * in + k]);
  std::size_t o = 0;
  for (; o + lanes <= width; o += lanes) {
    V sum[kRows];
    for (std::size_t r = 0; r < kRows; ++r) sum[r] = hn::LoadU(d, y + r * y_stride + o);
    for (std::size_t k = 0; k < kDepth; ++k) {
      hwy::Prefetch(reinterpret_cast<const void*>(ahead + (k * stride + o) * sizeof *w));
      const V weights = W::load(d, w + k * stride + o);
      for (std::size_t r = 0; r < kRows; ++r) sum[r] = hn::MulAdd(factor[r][k], weights, sum[r]);
    }
    for (std::size_t r = 0; r < kRows; ++r) hn::StoreU(sum[r], d, y + r * y_stride + o);
  }
  if (o == width) return;
  for (std::size_t k = 0; k < kDepth; ++k) {
    Rest room;
    const float* rest = widened<W>(d, w + k * stride + o, width - o, room.values);
    for (std::size_t r = 0; r < kRows; ++r)
      for (std::size_t c = o; c < width; ++c) y[r * y_stride + c] += x[r * in + k] * rest[c - o];
  }
}

/// Outputs [begin, end). Sums are kept on the stack, because lines of y that belong to two threads would go back and
/// forth between their caches.
template <class W, std::size_t kRows>
void in_out_rows(const float* x, const WeightView& view, const typename W::Element* w, std::size_t begin,
                 std::size_t end, const float* bias, float* y, std::size_t y_stride) {
  // As many factors as leave registers for the sums.
  constexpr std::size_t kDepth = kRows > 1 ? 4 : hn::MaxLanes(D()) >= 16 ? 16 : 8;
  constexpr std::size_t kMost = 4096 / kRows / 16 * 16;
  HWY_ALIGN float sums[kRows * kMost];
  const std::size_t in = view.rows;
  for (std::size_t first = begin; first < end; first += kMost) {
    const std::size_t width = std::min(kMost, end - first);
    for (std::size_t r = 0; r < kRows; ++r) {
      if (bias == nullptr)
        std::fill_n(sums + r * kMost, width, 0.0F);
      else
        std::copy_n(bias + first, width, sums + r * kMost);
    }
    const auto add = [&](auto depth, std::size_t i) HWY_ATTR {
      add_weight_rows<W, kRows, depth()>(x + i, in, w + i * view.stride + first, view.stride, width, sums, kMost);
    };
    std::size_t i = 0;
    for (; i + kDepth <= in; i += kDepth) add(std::integral_constant<std::size_t, kDepth>(), i);
    for (; i < in; ++i) add(std::integral_constant<std::size_t, 1>(), i);
    for (std::size_t r = 0; r < kRows; ++r) std::copy_n(sums + r * kMost, width, y + r * y_stride + first);
  }
}

void OutInTarget(const float* x, std::size_t rows, const WeightView& view, std::size_t begin, std::size_t end,
                 const float* bias, float* y, std::size_t y_stride) {
  with_weights(view.type, view.data, [&](auto type, const auto* w) {
    with_constant(rows,
                  [&](auto count) { out_in_rows<decltype(type), count()>(x, view, w, begin, end, bias, y, y_stride); });
  });
}

void InOutTarget(const float* x, std::size_t rows, const WeightView& view, std::size_t begin, std::size_t end,
                 const float* bias, float* y, std::size_t y_stride) {
  with_weights(view.type, view.data, [&](auto type, const auto* w) {
    with_constant(rows,
                  [&](auto count) { in_out_rows<decltype(type), count()>(x, view, w, begin, end, bias, y, y_stride); });
  });
}

}  // namespace pare::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pare::kernels {
namespace {
HWY_EXPORT(OutInTarget);
HWY_EXPORT(InOutTarget);
}  // namespace

void multiply_out_in(const float* x, std::size_t rows, const WeightView& w, std::size_t begin, std::size_t end,
                     const float* bias, float* y, std::size_t y_stride) {
  PARE_DISPATCH(OutInTarget)(x, rows, w, begin, end, bias, y, y_stride);
}
void multiply_in_out(const float* x, std::size_t rows, const WeightView& w, std::size_t begin, std::size_t end,
                     const float* bias, float* y, std::size_t y_stride) {
  PARE_DISPATCH(InOutTarget)(x, rows, w, begin, end, bias, y, y_stride);
}

}  // namespace pare::kernels
#endif
