#include "kernels/sparse.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/slices.cpp"  // NOLINT: Highway compiles this file per target
#include <hwy/foreach_target.h>
// Highway's per-target headers come after foreach_target.h.
#include <hwy/highway.h>

#include <algorithm>

HWY_BEFORE_NAMESPACE();
namespace pare::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

/// Outputs of a slice that go through at a time: their sums stay in registers.
constexpr std::size_t kOutputsAtOnce = hn::MaxLanes(D()) >= 16 ? 4 : 2;

/// Outputs [first, first + kOutputsAtOnce) of a slice, kVectors vectors of tokens.
template <std::size_t kVectors>
HWY_INLINE void some_outputs(const Slice& slice, std::size_t first, const float* panel, float* tile) {
  const D d;
  const std::size_t lanes = hn::Lanes(d), width = kVectors * lanes;
  V sum[kOutputsAtOnce][kVectors];
  for (auto& output : sum)
    for (V& vector : output) vector = hn::Zero(d);
  const std::uint16_t* input = slice.input + first;
  const float* weight = slice.weight + first;
  for (std::size_t step = 0; step < slice.steps; ++step, input += kSliceOutputs, weight += kSliceOutputs) {
    for (std::size_t o = 0; o < kOutputsAtOnce; ++o) {
      const float* x = panel + input[o] * width;
      const V factor = hn::Set(d, weight[o]);
      for (std::size_t v = 0; v < kVectors; ++v)
        sum[o][v] = hn::MulAdd(factor, hn::LoadU(d, x + v * lanes), sum[o][v]);
    }
  }
  for (std::size_t o = 0; o < kOutputsAtOnce; ++o) {
    if (slice.output[first + o] == kNoOutput) continue;
    float* to = tile + slice.output[first + o] * width;
    for (std::size_t v = 0; v < kVectors; ++v)
      hn::StoreU(hn::Add(hn::LoadU(d, to + v * lanes), sum[o][v]), d, to + v * lanes);
  }
}

template <std::size_t kVectors>
void all_slices(const Slice* slices, std::size_t count, const float* panel, float* tile) {
  for (std::size_t s = 0; s < count; ++s)
    for (std::size_t first = 0; first < kSliceOutputs; first += kOutputsAtOnce)
      some_outputs<kVectors>(slices[s], first, panel, tile);
}

void SlicesTarget(const Slice* slices, std::size_t count, const float* panel, std::size_t width, float* tile) {
  switch (width / hn::Lanes(D())) {
    case 1:
      return all_slices<1>(slices, count, panel, tile);
    case 2:
      return all_slices<2>(slices, count, panel, tile);
    case 3:
      return all_slices<3>(slices, count, panel, tile);
    default:
      return all_slices<kMostVectors>(slices, count, panel, tile);
  }
}

void SlicesOnceTarget(const Slice* slices, std::size_t count, const float* x, float* y) {
  const hn::CappedTag<float, kSliceOutputs> d;
  constexpr std::size_t kLanes = hn::MaxLanes(d), kVectors = kSliceOutputs / kLanes;
  for (std::size_t s = 0; s < count; ++s) {
    const Slice& slice = slices[s];
    hn::Vec<decltype(d)> sum[kVectors];
    for (auto& vector : sum) vector = hn::Zero(d);
    const std::uint16_t* input = slice.input;
    const float* weight = slice.weight;
    alignas(64) float picked[kSliceOutputs];
    for (std::size_t step = 0; step < slice.steps; ++step, input += kSliceOutputs, weight += kSliceOutputs) {
      // Single loads: no slower than gathers where those are fast, and much faster where they are not.
      for (std::size_t o = 0; o < kSliceOutputs; ++o) picked[o] = x[input[o]];
      for (std::size_t v = 0; v < kVectors; ++v)
        sum[v] = hn::MulAdd(hn::LoadU(d, weight + v * kLanes), hn::Load(d, picked + v * kLanes), sum[v]);
    }
    for (std::size_t v = 0; v < kVectors; ++v) hn::Store(sum[v], d, picked + v * kLanes);
    for (std::size_t o = 0; o < kSliceOutputs; ++o)
      if (slice.output[o] != kNoOutput) y[slice.output[o]] += picked[o];
  }
}

#if HWY_TARGET != HWY_SCALAR
using Four = hn::CappedTag<float, 4>;
using Vec4 = hn::Vec<Four>;

HWY_INLINE void transpose_4x4(Vec4& a, Vec4& b, Vec4& c, Vec4& e) {
  const Four d;
  const Vec4 ac0 = hn::InterleaveLower(d, a, c), ac1 = hn::InterleaveUpper(d, a, c);
  const Vec4 be0 = hn::InterleaveLower(d, b, e), be1 = hn::InterleaveUpper(d, b, e);
  a = hn::InterleaveLower(d, ac0, be0);
  b = hn::InterleaveUpper(d, ac0, be0);
  c = hn::InterleaveLower(d, ac1, be1);
  e = hn::InterleaveUpper(d, ac1, be1);
}
#endif

/// to[c][r] = from[r][c], plus add[r] or add[c] where given; whole blocks of 4 x 4 by vectors.
template <bool kAddToColumns>
HWY_INLINE void transpose(const float* from, std::size_t from_stride, std::size_t rows, std::size_t columns, float* to,
                          std::size_t to_stride, const float* add) {
  std::size_t r = 0;
#if HWY_TARGET != HWY_SCALAR
  const Four d;
  for (; r + 4 <= rows; r += 4) {
    const Vec4 addend = kAddToColumns && add != nullptr ? hn::LoadU(d, add + r) : hn::Zero(d);
    std::size_t c = 0;
    for (; c + 4 <= columns; c += 4) {
      const float* at = from + r * from_stride + c;
      Vec4 v0 = hn::LoadU(d, at), v1 = hn::LoadU(d, at + from_stride), v2 = hn::LoadU(d, at + 2 * from_stride),
           v3 = hn::LoadU(d, at + 3 * from_stride);
      transpose_4x4(v0, v1, v2, v3);
      float* out = to + c * to_stride + r;
      hn::StoreU(hn::Add(v0, addend), d, out);
      hn::StoreU(hn::Add(v1, addend), d, out + to_stride);
      hn::StoreU(hn::Add(v2, addend), d, out + 2 * to_stride);
      hn::StoreU(hn::Add(v3, addend), d, out + 3 * to_stride);
    }
    for (; c < columns; ++c)
      for (std::size_t i = r; i < r + 4; ++i)
        to[c * to_stride + i] = from[i * from_stride + c] + (kAddToColumns && add != nullptr ? add[i] : 0.0F);
  }
#endif
  for (; r < rows; ++r)
    for (std::size_t c = 0; c < columns; ++c)
      to[c * to_stride + r] = from[r * from_stride + c] + (kAddToColumns && add != nullptr ? add[r] : 0.0F);
}

void ToPanelTarget(const float* x, std::size_t x_stride, std::size_t tokens, std::size_t in, float* panel,
                   std::size_t width) {
  transpose<false>(x, x_stride, tokens, in, panel, width, nullptr);
  if (tokens == width) return;
  for (std::size_t k = 0; k < in; ++k) std::fill(panel + k * width + tokens, panel + (k + 1) * width, 0.0F);
}

void FromPanelTarget(const float* panel, std::size_t width, std::size_t tokens, std::size_t out, const float* bias,
                     float* y, std::size_t y_stride) {
  transpose<true>(panel, width, out, tokens, y, y_stride, bias);
}

std::size_t LanesTarget() { return hn::Lanes(D()); }

}  // namespace pare::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pare::kernels {
namespace {
HWY_EXPORT(SlicesTarget);
HWY_EXPORT(SlicesOnceTarget);
HWY_EXPORT(ToPanelTarget);
HWY_EXPORT(FromPanelTarget);
HWY_EXPORT(LanesTarget);
}  // namespace

std::size_t lanes() { return HWY_DYNAMIC_DISPATCH(LanesTarget)(); }
void to_panel(const float* x, std::size_t x_stride, std::size_t tokens, std::size_t in, float* panel,
              std::size_t width) {
  HWY_DYNAMIC_DISPATCH(ToPanelTarget)(x, x_stride, tokens, in, panel, width);
}
void from_panel(const float* panel, std::size_t width, std::size_t tokens, std::size_t out, const float* bias, float* y,
                std::size_t y_stride) {
  HWY_DYNAMIC_DISPATCH(FromPanelTarget)(panel, width, tokens, out, bias, y, y_stride);
}
void multiply_slices(const Slice* slices, std::size_t count, const float* panel, std::size_t width, float* tile) {
  HWY_DYNAMIC_DISPATCH(SlicesTarget)(slices, count, panel, width, tile);
}
void multiply_slices_once(const Slice* slices, std::size_t count, const float* x, float* y) {
  HWY_DYNAMIC_DISPATCH(SlicesOnceTarget)(slices, count, x, y);
}

}  // namespace pare::kernels
#endif
