#include "kernels/matvec.h"

#include "kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/matvec.cpp"  // NOLINT: Highway compiles this file per target
#include <hwy/foreach_target.h>
// Highway's per-target headers come after foreach_target.h.
#include <hwy/highway.h>

#include <algorithm>

HWY_BEFORE_NAMESPACE();
namespace pare::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

/// kRows dot products with one row of weights. The hardware prefetches the one long stream; explicit prefetching made
/// it slower.
template <std::size_t kRows>
HWY_INLINE void dot_products(const float* x, const float* w, std::size_t in, float bias, float* y,
                             std::size_t y_stride) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  V sum[kRows][2];
  for (auto& row : sum) row[0] = row[1] = hn::Zero(d);
  std::size_t i = 0;
  for (; i + 2 * lanes <= in; i += 2 * lanes) {
    const V w0 = hn::LoadU(d, w + i), w1 = hn::LoadU(d, w + i + lanes);
    for (std::size_t r = 0; r < kRows; ++r) {
      sum[r][0] = hn::MulAdd(hn::LoadU(d, x + r * in + i), w0, sum[r][0]);
      sum[r][1] = hn::MulAdd(hn::LoadU(d, x + r * in + i + lanes), w1, sum[r][1]);
    }
  }
  for (std::size_t r = 0; r < kRows; ++r) {
    float total = hn::GetLane(hn::SumOfLanes(d, hn::Add(sum[r][0], sum[r][1])));
    for (std::size_t k = i; k < in; ++k) total += x[r * in + k] * w[k];
    y[r * y_stride] = total + bias;
  }
}

/// y[r][0 .. width) += sum_k x[r][k] w[k][0 .. width) for kDepth rows of weights. Each row is read in one long run,
/// which is faster than reading a short piece of every row in turn. Meanwhile y stays in the cache.
template <std::size_t kRows, std::size_t kDepth>
HWY_INLINE void add_weight_rows(const float* x, std::size_t in, const float* w, std::size_t out, std::size_t width,
                                float* y, std::size_t y_stride) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  V factor[kRows][kDepth];
  for (std::size_t r = 0; r < kRows; ++r)
    for (std::size_t k = 0; k < kDepth; ++k) factor[r][k] = hn::Set(d, x[r * in + k]);
  std::size_t o = 0;
  for (; o + lanes <= width; o += lanes) {
    V sum[kRows];
    for (std::size_t r = 0; r < kRows; ++r) sum[r] = hn::LoadU(d, y + r * y_stride + o);
    for (std::size_t k = 0; k < kDepth; ++k) {
      const V weights = hn::LoadU(d, w + k * out + o);
      for (std::size_t r = 0; r < kRows; ++r) sum[r] = hn::MulAdd(factor[r][k], weights, sum[r]);
    }
    for (std::size_t r = 0; r < kRows; ++r) hn::StoreU(sum[r], d, y + r * y_stride + o);
  }
  for (; o < width; ++o)
    for (std::size_t r = 0; r < kRows; ++r)
      for (std::size_t k = 0; k < kDepth; ++k) y[r * y_stride + o] += x[r * in + k] * w[k * out + o];
}

template <std::size_t kRows>
void in_out_rows(const float* x, const float* w, std::size_t in, std::size_t out, std::size_t begin, std::size_t end,
                 const float* bias, float* y, std::size_t y_stride) {
  // As many factors as leave registers for the sums.
  constexpr std::size_t kDepth = kRows > 1 ? 4 : hn::MaxLanes(D()) >= 16 ? 16 : 8;
  const std::size_t width = end - begin;
  for (std::size_t r = 0; r < kRows; ++r) {
    float* row = y + r * y_stride + begin;
    if (bias == nullptr)
      std::fill_n(row, width, 0.0F);
    else
      std::copy_n(bias + begin, width, row);
  }
  std::size_t i = 0;
  for (; i + kDepth <= in; i += kDepth)
    add_weight_rows<kRows, kDepth>(x + i, in, w + i * out + begin, out, width, y + begin, y_stride);
  for (; i < in; ++i) add_weight_rows<kRows, 1>(x + i, in, w + i * out + begin, out, width, y + begin, y_stride);
}

template <class F>
void with_rows(std::size_t rows, F f) {
  switch (rows) {
    case 1:
      return f(std::integral_constant<std::size_t, 1>());
    case 2:
      return f(std::integral_constant<std::size_t, 2>());
    case 3:
      return f(std::integral_constant<std::size_t, 3>());
    case 4:
      return f(std::integral_constant<std::size_t, 4>());
    default:
      return;
  }
}

void OutInTarget(const float* x, std::size_t rows, const float* w, std::size_t in, std::size_t begin, std::size_t end,
                 const float* bias, float* y, std::size_t y_stride) {
  with_rows(rows, [&](auto count) {
    for (std::size_t o = begin; o < end; ++o)
      dot_products<count()>(x, w + o * in, in, bias == nullptr ? 0 : bias[o], y + o, y_stride);
  });
}

void InOutTarget(const float* x, std::size_t rows, const float* w, std::size_t in, std::size_t out, std::size_t begin,
                 std::size_t end, const float* bias, float* y, std::size_t y_stride) {
  with_rows(rows, [&](auto count) { in_out_rows<count()>(x, w, in, out, begin, end, bias, y, y_stride); });
}

}  // namespace pare::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pare::kernels {
namespace {
HWY_EXPORT(OutInTarget);
HWY_EXPORT(InOutTarget);
}  // namespace

void multiply_out_in(const float* x, std::size_t rows, const float* w, std::size_t in, std::size_t begin,
                     std::size_t end, const float* bias, float* y, std::size_t y_stride) {
  PARE_DISPATCH(OutInTarget)(x, rows, w, in, begin, end, bias, y, y_stride);
}
void multiply_in_out(const float* x, std::size_t rows, const float* w, std::size_t in, std::size_t out,
                     std::size_t begin, std::size_t end, const float* bias, float* y, std::size_t y_stride) {
  PARE_DISPATCH(InOutTarget)(x, rows, w, in, out, begin, end, bias, y, y_stride);
}

}  // namespace pare::kernels
#endif
