// Tokens by rows to tokens by lanes and back, in blocks of 4 x 4.
#include "kernels/sparse.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/panels.cpp"  // NOLINT: Highway compiles this file per target
#include <hwy/foreach_target.h>
// Highway's per-target headers come after foreach_target.h.
#include <hwy/highway.h>

#include <algorithm>

HWY_BEFORE_NAMESPACE();
namespace pare::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET == HWY_SCALAR

std::size_t columns_to_panel(const float*, std::size_t, std::size_t, float*, std::size_t) { return 0; }
std::size_t columns_from_panel(const float*, std::size_t, std::size_t, const float*, float*, std::size_t) { return 0; }

#else

using Four = hn::CappedTag<float, 4>;
using Vec4 = hn::Vec<Four>;

HWY_INLINE void transpose(Vec4& a, Vec4& b, Vec4& c, Vec4& e) {
  const Four d;
  const Vec4 ac0 = hn::InterleaveLower(d, a, c), ac1 = hn::InterleaveUpper(d, a, c);
  const Vec4 be0 = hn::InterleaveLower(d, b, e), be1 = hn::InterleaveUpper(d, b, e);
  a = hn::InterleaveLower(d, ac0, be0);
  b = hn::InterleaveUpper(d, ac0, be0);
  c = hn::InterleaveLower(d, ac1, be1);
  e = hn::InterleaveUpper(d, ac1, be1);
}

/// 4 rows of x to 4 columns of the panel; returns how many inputs are done.
std::size_t columns_to_panel(const float* x, std::size_t x_stride, std::size_t in, float* panel, std::size_t width) {
  const Four d;
  std::size_t k = 0;
  for (; k + 4 <= in; k += 4) {
    Vec4 v0 = hn::LoadU(d, x + k), v1 = hn::LoadU(d, x + x_stride + k), v2 = hn::LoadU(d, x + 2 * x_stride + k),
         v3 = hn::LoadU(d, x + 3 * x_stride + k);
    transpose(v0, v1, v2, v3);
    float* to = panel + k * width;
    hn::StoreU(v0, d, to);
    hn::StoreU(v1, d, to + width);
    hn::StoreU(v2, d, to + 2 * width);
    hn::StoreU(v3, d, to + 3 * width);
  }
  return k;
}

/// 4 columns of the panel to 4 rows of y; returns how many outputs are done.
std::size_t columns_from_panel(const float* panel, std::size_t width, std::size_t out, const float* bias, float* y,
                               std::size_t y_stride) {
  const Four d;
  std::size_t o = 0;
  for (; o + 4 <= out; o += 4) {
    const float* from = panel + o * width;
    Vec4 v0 = hn::LoadU(d, from), v1 = hn::LoadU(d, from + width), v2 = hn::LoadU(d, from + 2 * width),
         v3 = hn::LoadU(d, from + 3 * width);
    transpose(v0, v1, v2, v3);
    const Vec4 more = bias == nullptr ? hn::Zero(d) : hn::LoadU(d, bias + o);
    hn::StoreU(hn::Add(v0, more), d, y + o);
    hn::StoreU(hn::Add(v1, more), d, y + y_stride + o);
    hn::StoreU(hn::Add(v2, more), d, y + 2 * y_stride + o);
    hn::StoreU(hn::Add(v3, more), d, y + 3 * y_stride + o);
  }
  return o;
}

#endif

constexpr std::size_t kRunLength = 64;  // rows of a panel that stay in the first cache while all tokens go through

void rows_to_panel(const float* x, std::size_t x_stride, std::size_t tokens, std::size_t in, float* panel,
                   std::size_t width) {
  for (std::size_t t = 0; t < tokens; t += 4) {
    const std::size_t four = std::min<std::size_t>(4, tokens - t);
    for (std::size_t k = four < 4 ? 0 : columns_to_panel(x + t * x_stride, x_stride, in, panel + t, width); k < in; ++k)
      for (std::size_t i = t; i < t + four; ++i) panel[k * width + i] = x[i * x_stride + k];
  }
  if (tokens == width) return;
  for (std::size_t k = 0; k < in; ++k) std::fill(panel + k * width + tokens, panel + (k + 1) * width, 0.0F);
}

void ToPanelTarget(const float* x, std::size_t x_stride, std::size_t tokens, std::size_t in, float* panel,
                   std::size_t width) {
  for (std::size_t k = 0; k < in; k += kRunLength)
    rows_to_panel(x + k, x_stride, tokens, std::min(kRunLength, in - k), panel + k * width, width);
}

void rows_from_panel(const float* panel, std::size_t width, std::size_t tokens, std::size_t out, const float* bias,
                     float* y, std::size_t y_stride) {
  for (std::size_t t = 0; t < tokens; t += 4) {
    const std::size_t four = std::min<std::size_t>(4, tokens - t);
    std::size_t o = four < 4 ? 0 : columns_from_panel(panel + t, width, out, bias, y + t * y_stride, y_stride);
    for (; o < out; ++o)
      for (std::size_t i = t; i < t + four; ++i)
        y[i * y_stride + o] = panel[o * width + i] + (bias == nullptr ? 0 : bias[o]);
  }
}

void FromPanelTarget(const float* panel, std::size_t width, std::size_t tokens, std::size_t out, const float* bias,
                     float* y, std::size_t y_stride) {
  for (std::size_t o = 0; o < out; o += kRunLength)
    rows_from_panel(panel + o * width, width, tokens, std::min(kRunLength, out - o), bias == nullptr ? bias : bias + o,
                    y + o, y_stride);
}

}  // namespace pare::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pare::kernels {
namespace {
HWY_EXPORT(ToPanelTarget);
HWY_EXPORT(FromPanelTarget);
}  // namespace

void to_panel(const float* x, std::size_t x_stride, std::size_t tokens, std::size_t in, float* panel,
              std::size_t width) {
  HWY_DYNAMIC_DISPATCH(ToPanelTarget)(x, x_stride, tokens, in, panel, width);
}
void from_panel(const float* panel, std::size_t width, std::size_t tokens, std::size_t out, const float* bias, float* y,
                std::size_t y_stride) {
  HWY_DYNAMIC_DISPATCH(FromPanelTarget)(panel, width, tokens, out, bias, y, y_stride);
}

}  // namespace pare::kernels
#endif
