#include "kernels/peak.h"

#include "kernels/targets.h"

#ifndef PARE_KERNELS_TOGETHER
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/peak.cpp"  // NOLINT: Highway compiles this file per target
#include <hwy/foreach_target.h>
#endif
// Highway's per-target headers come after foreach_target.h.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace pare::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

float ReadTarget(const float* x, std::size_t n) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  V sum[4] = {hn::Zero(d), hn::Zero(d), hn::Zero(d), hn::Zero(d)};
  std::size_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes)
    for (std::size_t k = 0; k < 4; ++k) sum[k] = hn::Add(sum[k], hn::LoadU(d, x + i + k * lanes));
  return hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(sum[0], sum[1]), hn::Add(sum[2], sum[3]))));
}

std::size_t MultiplyTarget(std::size_t rounds, float* out) {
  constexpr std::size_t kSums = 10;  // enough to hide the latency, few enough for 16 registers
  const D d;
  const V factor = hn::Set(d, 0.999F), addend = hn::Set(d, 1e-6F);
  V sum[kSums];
  for (V& each : sum) each = hn::Set(d, 1.0F);
  for (std::size_t round = 0; round < rounds; ++round)
    for (V& each : sum) each = hn::MulAdd(each, factor, addend);
  V all = hn::Zero(d);
  for (const V& each : sum) all = hn::Add(all, each);
  *out = hn::GetLane(hn::SumOfLanes(d, all));
  return kSums * hn::Lanes(d);
}

}  // namespace pare::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pare::kernels {
namespace {
HWY_EXPORT(ReadTarget);
HWY_EXPORT(MultiplyTarget);
}  // namespace

float read_all(const float* x, std::size_t n) { return PARE_DISPATCH(ReadTarget)(x, n); }
std::size_t multiply_in_registers(std::size_t rounds, float* out) { return PARE_DISPATCH(MultiplyTarget)(rounds, out); }

}  // namespace pare::kernels
#endif
