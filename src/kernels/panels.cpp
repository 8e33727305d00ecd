// Tokens by rows to tokens by lanes and back.
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

constexpr std::size_t kTokens = 4;

std::size_t strip_to_panel(const float*, std::size_t, std::size_t, float*, std::size_t) { return 0; }
std::size_t strip_from_panel(const float*, std::size_t, std::size_t, const float*, float*, std::size_t) { return 0; }

#else

using Four = hn::CappedTag<float, 4>;
#if HWY_MAX_BYTES >= 32
using Strip = hn::CappedTag<float, 8>;
#else
using Strip = Four;
#endif
using Vec = hn::Vec<Strip>;
constexpr std::size_t kTokens = hn::MaxLanes(Strip());  ///< that go through together

/// Transposes 4 x 4 in each 16 bytes of four vectors.
HWY_INLINE void transpose(Vec& a, Vec& b, Vec& c, Vec& e) {
  const Strip d;
  const Vec ac0 = hn::InterleaveLower(d, a, c), ac1 = hn::InterleaveUpper(d, a, c);
  const Vec be0 = hn::InterleaveLower(d, b, e), be1 = hn::InterleaveUpper(d, b, e);
  a = hn::InterleaveLower(d, ac0, be0);
  b = hn::InterleaveUpper(d, ac0, be0);
  c = hn::InterleaveLower(d, ac1, be1);
  e = hn::InterleaveUpper(d, ac1, be1);
}

// A vector of 8 has 4 floats of one token and 4 of the fourth token after it: no shuffle crosses 16 bytes.

HWY_INLINE Vec load_tokens(const float* row, [[maybe_unused]] std::size_t stride) {
#if HWY_MAX_BYTES >= 32
  return hn::Combine(Strip(), hn::LoadU(Four(), row + 4 * stride), hn::LoadU(Four(), row));
#else
  return hn::LoadU(Four(), row);
#endif
}

HWY_INLINE void store_tokens(Vec values, float* row, [[maybe_unused]] std::size_t stride) {
#if HWY_MAX_BYTES >= 32
  hn::StoreU(hn::LowerHalf(Four(), values), Four(), row);
  hn::StoreU(hn::UpperHalf(Four(), values), Four(), row + 4 * stride);
#else
  hn::StoreU(values, Four(), row);
#endif
}

/// kTokens rows of x to columns of the panel; returns how many inputs are done.
std::size_t strip_to_panel(const float* x, std::size_t x_stride, std::size_t in, float* panel, std::size_t width) {
  std::size_t k = 0;
  for (; k + 4 <= in; k += 4) {
    Vec v[4];
    for (std::size_t i = 0; i < 4; ++i) v[i] = load_tokens(x + i * x_stride + k, x_stride);
    transpose(v[0], v[1], v[2], v[3]);
    for (std::size_t i = 0; i < 4; ++i) hn::StoreU(v[i], Strip(), panel + (k + i) * width);
  }
  return k;
}

/// kTokens columns of the panel to rows of y; returns how many outputs are done.
std::size_t strip_from_panel(const float* panel, std::size_t width, std::size_t out, const float* bias, float* y,
                             std::size_t y_stride) {
  const Strip d;
  std::size_t o = 0;
  for (; o + 4 <= out; o += 4) {
    Vec v[4];
    for (std::size_t i = 0; i < 4; ++i) {
      v[i] = hn::LoadU(d, panel + (o + i) * width);
      if (bias != nullptr) v[i] = hn::Add(v[i], hn::Set(d, bias[o + i]));
    }
    transpose(v[0], v[1], v[2], v[3]);
    for (std::size_t i = 0; i < 4; ++i) store_tokens(v[i], y + i * y_stride + o, y_stride);
  }
  return o;
}

#endif

constexpr std::size_t kRunLength = 64;  // rows of a panel that stay in the first cache while all tokens go through

void rows_to_panel(const float* x, std::size_t x_stride, std::size_t tokens, std::size_t in, float* panel,
                   std::size_t width) {
  for (std::size_t t = 0; t < tokens; t += kTokens) {
    const std::size_t count = std::min(kTokens, tokens - t);
    std::size_t k = count < kTokens ? 0 : strip_to_panel(x + t * x_stride, x_stride, in, panel + t, width);
    for (; k < in; ++k)
      for (std::size_t i = t; i < t + count; ++i) panel[k * width + i] = x[i * x_stride + k];
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
  for (std::size_t t = 0; t < tokens; t += kTokens) {
    const std::size_t count = std::min(kTokens, tokens - t);
    std::size_t o = 0;
    if (count == kTokens) o = strip_from_panel(panel + t, width, out, bias, y + t * y_stride, y_stride);
    for (; o < out; ++o)
      for (std::size_t i = t; i < t + count; ++i)
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
