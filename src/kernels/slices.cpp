#include "kernels/sparse.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/slices.cpp"  // NOLINT: Highway compiles this file per target
#include <hwy/foreach_target.h>
// Highway's per-target headers come after foreach_target.h.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace pare::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

/// Outputs of a slice that go through at a time: their sums stay in registers.
constexpr std::size_t kOutputsAtOnce = hn::MaxLanes(D()) >= 16 ? 4 : 2;

/// Outputs [first, first + kOutputsAtOnce) of a slice, kVectors vectors of tokens.
template <std::size_t kVectors>
HWY_INLINE void some_outputs(const Slice& slice, std::size_t first, const float* panel, bool add, float* tile) {
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
      for (std::size_t v = 0; v < kVectors; ++v) sum[o][v] = hn::MulAdd(factor, hn::LoadU(d, x + v * lanes), sum[o][v]);
    }
  }
  for (std::size_t o = 0; o < kOutputsAtOnce; ++o) {
    if (slice.output[first + o] == kNoOutput) continue;
    float* to = tile + slice.output[first + o] * width;
    for (std::size_t v = 0; v < kVectors; ++v) {
      if (add) sum[o][v] = hn::Add(hn::LoadU(d, to + v * lanes), sum[o][v]);
      hn::StoreU(sum[o][v], d, to + v * lanes);
    }
  }
}

template <std::size_t kVectors>
void all_slices(const Slice* slices, std::size_t count, const float* panel, bool add, float* tile) {
  for (std::size_t s = 0; s < count; ++s)
    for (std::size_t first = 0; first < kSliceOutputs; first += kOutputsAtOnce)
      some_outputs<kVectors>(slices[s], first, panel, add, tile);
}

void SlicesTarget(const Slice* slices, std::size_t count, const float* panel, std::size_t width, bool add,
                  float* tile) {
  switch (width / hn::Lanes(D())) {
    case 1:
      return all_slices<1>(slices, count, panel, add, tile);
    case 2:
      return all_slices<2>(slices, count, panel, add, tile);
    case 3:
      return all_slices<3>(slices, count, panel, add, tile);
    default:
      return all_slices<kMostVectors>(slices, count, panel, add, tile);
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

std::size_t LanesTarget() { return hn::Lanes(D()); }

}  // namespace pare::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pare::kernels {
namespace {
HWY_EXPORT(SlicesTarget);
HWY_EXPORT(SlicesOnceTarget);
HWY_EXPORT(LanesTarget);
}  // namespace

std::size_t lanes() { return HWY_DYNAMIC_DISPATCH(LanesTarget)(); }
void multiply_slices(const Slice* slices, std::size_t count, const float* panel, std::size_t width, bool add,
                     float* tile) {
  HWY_DYNAMIC_DISPATCH(SlicesTarget)(slices, count, panel, width, add, tile);
}
void multiply_slices_once(const Slice* slices, std::size_t count, const float* x, float* y) {
  HWY_DYNAMIC_DISPATCH(SlicesOnceTarget)(slices, count, x, y);
}

}  // namespace pare::kernels
#endif
