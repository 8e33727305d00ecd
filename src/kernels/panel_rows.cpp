#include "kernels/panel_rows.h"

#include "kernels/targets.h"

#ifndef PARE_KERNELS_TOGETHER
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/panel_rows.cpp"  // NOLINT: Highway compiles this file per target
#include <hwy/foreach_target.h>
#endif
// Highway's per-target headers come after foreach_target.h.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace pare::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

void AddToRowsTarget(float* panel, std::size_t width, std::size_t rows, const float* added) {
  const D d;
  for (std::size_t i = 0; i < rows; ++i, panel += width) {
    const V value = hn::Set(d, added[i]);
    for (std::size_t t = 0; t < width; t += hn::Lanes(d))
      hn::StoreU(hn::Add(hn::LoadU(d, panel + t), value), d, panel + t);
  }
}

/// Sum of f(element) over a column of vectors, in four sums that do not wait for each other.
template <class F>
HWY_INLINE V sum_of_column(const float* column, std::size_t width, std::size_t n, F f) {
  const D d;
  constexpr std::size_t kSums = 4;
  V sum[kSums];
  for (V& part : sum) part = hn::Zero(d);
  std::size_t i = 0;
  for (; i + kSums <= n; i += kSums)
    for (std::size_t part = 0; part < kSums; ++part)
      sum[part] = f(hn::LoadU(d, column + (i + part) * width), sum[part]);
  for (; i < n; ++i) sum[0] = f(hn::LoadU(d, column + i * width), sum[0]);
  return hn::Add(hn::Add(sum[0], sum[1]), hn::Add(sum[2], sum[3]));
}

/// 1 / sqrt(mean of (x - center)^2 + epsilon).
HWY_INLINE V inverse_deviation(const float* column, std::size_t width, std::size_t n, V center, float epsilon) {
  const D d;
  const V squares = sum_of_column(column, width, n, [&](V x, V sum) HWY_ATTR {
    const V off = hn::Sub(x, center);
    return hn::MulAdd(off, off, sum);
  });
  const V mean = hn::Div(squares, hn::Set(d, static_cast<float>(n)));
  return hn::Div(hn::Set(d, 1.0F), hn::Sqrt(hn::Add(mean, hn::Set(d, epsilon))));
}

void LayerNormPanelTarget(const float* panel, std::size_t width, std::size_t n, const float* weight, const float* bias,
                          float epsilon, float* out) {
  const D d;
  for (std::size_t t = 0; t < width; t += hn::Lanes(d)) {
    const float* column = panel + t;
    const V sum = sum_of_column(column, width, n, [](V x, V total) HWY_ATTR { return hn::Add(x, total); });
    const V center = hn::Div(sum, hn::Set(d, static_cast<float>(n)));
    const V factor = inverse_deviation(column, width, n, center, epsilon);
    for (std::size_t i = 0; i < n; ++i) {
      const V normal = hn::Mul(hn::Sub(hn::LoadU(d, column + i * width), center), factor);
      hn::StoreU(hn::MulAdd(normal, hn::Set(d, weight[i]), hn::Set(d, bias[i])), d, out + i * width + t);
    }
  }
}

void RmsNormPanelTarget(const float* panel, std::size_t width, std::size_t n, const float* weight, float epsilon,
                        float* out) {
  const D d;
  for (std::size_t t = 0; t < width; t += hn::Lanes(d)) {
    const float* column = panel + t;
    const V factor = inverse_deviation(column, width, n, hn::Zero(d), epsilon);
    for (std::size_t i = 0; i < n; ++i) {
      const V normal = hn::Mul(hn::LoadU(d, column + i * width), factor);
      hn::StoreU(hn::Mul(normal, hn::Set(d, weight[i])), d, out + i * width + t);
    }
  }
}

void RotatePairsTarget(float* low, float* high, const float* cosines, const float* sines, std::size_t n) {
  const D d;
  for (std::size_t i = 0; i < n; i += hn::Lanes(d)) {
    const V a = hn::LoadU(d, low + i), b = hn::LoadU(d, high + i), cosine = hn::LoadU(d, cosines + i),
            sine = hn::LoadU(d, sines + i);
    hn::StoreU(hn::Sub(hn::Mul(a, cosine), hn::Mul(b, sine)), d, low + i);
    hn::StoreU(hn::Add(hn::Mul(b, cosine), hn::Mul(a, sine)), d, high + i);
  }
}

}  // namespace pare::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pare::kernels {
namespace {
HWY_EXPORT(AddToRowsTarget);
HWY_EXPORT(LayerNormPanelTarget);
HWY_EXPORT(RmsNormPanelTarget);
HWY_EXPORT(RotatePairsTarget);
}  // namespace

void add_to_rows(float* panel, std::size_t width, std::size_t rows, const float* added) {
  PARE_DISPATCH(AddToRowsTarget)(panel, width, rows, added);
}
void layer_norm_panel(const float* panel, std::size_t width, std::size_t n, const float* weight, const float* bias,
                      float epsilon, float* out) {
  PARE_DISPATCH(LayerNormPanelTarget)(panel, width, n, weight, bias, epsilon, out);
}
void rms_norm_panel(const float* panel, std::size_t width, std::size_t n, const float* weight, float epsilon,
                    float* out) {
  PARE_DISPATCH(RmsNormPanelTarget)(panel, width, n, weight, epsilon, out);
}
void rotate_pairs(float* low, float* high, const float* cosines, const float* sines, std::size_t n) {
  PARE_DISPATCH(RotatePairsTarget)(low, high, cosines, sines, n);
}

}  // namespace pare::kernels
#endif
