#include "kernels/matvec.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/matvec.cpp"  // NOLINT: Highway compiles this file per target
#include <hwy/foreach_target.h>
// Highway's per-target headers come after foreach_target.h.
#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <algorithm>

HWY_BEFORE_NAMESPACE();
namespace pare::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

/// kRows dot products with one row of weights.
template <std::size_t kRows>
HWY_INLINE void dot_products(const float* x, const float* w, std::size_t in, float bias, float* y,
                             std::size_t y_stride) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  V sum[kRows][2];
  for (auto& row : sum) row[0] = row[1] = hn::Zero(d);
  std::size_t i = 0;
  for (; i + 2 * lanes <= in; i += 2 * lanes) {
    hwy::Prefetch(w + i + 1024);
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

/// kRows x kVectors sums for neighbouring columns, all weights of a column gone through.
template <std::size_t kRows, std::size_t kVectors>
HWY_INLINE void column_sums(const float* x, const float* w, std::size_t in, std::size_t out, const float* bias,
                            float* y, std::size_t y_stride) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  V sum[kRows][kVectors];
  for (std::size_t r = 0; r < kRows; ++r)
    for (std::size_t v = 0; v < kVectors; ++v)
      sum[r][v] = bias == nullptr ? hn::Zero(d) : hn::LoadU(d, bias + v * lanes);
  for (std::size_t i = 0; i < in; ++i, w += out) {
    for (std::size_t v = 0; v < kVectors; ++v) {
      hwy::Prefetch(w + 8 * out + v * lanes);
      const V weights = hn::LoadU(d, w + v * lanes);
      for (std::size_t r = 0; r < kRows; ++r) sum[r][v] = hn::MulAdd(hn::Set(d, x[r * in + i]), weights, sum[r][v]);
    }
  }
  for (std::size_t r = 0; r < kRows; ++r)
    for (std::size_t v = 0; v < kVectors; ++v) hn::StoreU(sum[r][v], d, y + r * y_stride + v * lanes);
}

template <std::size_t kRows>
void in_out_rows(const float* x, const float* w, std::size_t in, std::size_t out, std::size_t begin, std::size_t end,
                 const float* bias, float* y, std::size_t y_stride) {
  constexpr std::size_t kVectors = kRows == 1 ? 8 : 4;
  const std::size_t lanes = hn::Lanes(D());
  const auto bias_at = [bias](std::size_t o) { return bias == nullptr ? nullptr : bias + o; };
  std::size_t o = begin;
  for (; o + kVectors * lanes <= end; o += kVectors * lanes)
    column_sums<kRows, kVectors>(x, w + o, in, out, bias_at(o), y + o, y_stride);
  for (; o + lanes <= end; o += lanes) column_sums<kRows, 1>(x, w + o, in, out, bias_at(o), y + o, y_stride);
  for (; o < end; ++o)
    for (std::size_t r = 0; r < kRows; ++r) {
      float total = bias == nullptr ? 0 : bias[o];
      for (std::size_t i = 0; i < in; ++i) total += x[r * in + i] * w[i * out + o];
      y[r * y_stride + o] = total;
    }
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
  HWY_DYNAMIC_DISPATCH(OutInTarget)(x, rows, w, in, begin, end, bias, y, y_stride);
}
void multiply_in_out(const float* x, std::size_t rows, const float* w, std::size_t in, std::size_t out,
                     std::size_t begin, std::size_t end, const float* bias, float* y, std::size_t y_stride) {
  HWY_DYNAMIC_DISPATCH(InOutTarget)(x, rows, w, in, out, begin, end, bias, y, y_stride);
}

}  // namespace pare::kernels
#endif
