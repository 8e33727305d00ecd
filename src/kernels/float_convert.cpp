#include "kernels/float_convert.h"

#include "kernels/targets.h"

#ifndef PARE_KERNELS_TOGETHER
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/float_convert.cpp"  // NOLINT: Highway compiles this file per target
#include <hwy/foreach_target.h>
#endif
// Highway's per-target headers come after foreach_target.h.
#include <hwy/highway.h>

#include <cstring>

#include "kernels/weights-inl.h"

HWY_BEFORE_NAMESPACE();
namespace pare::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::ScalableTag<float>;

template <class W>
void convert(const std::byte* data, std::size_t n, float* out) {
  const Floats d;
  const std::size_t lanes = hn::Lanes(d), whole = n / lanes * lanes;
  const auto* weights = reinterpret_cast<const typename W::Element*>(data);
  widened<W>(d, weights, whole, out);
  if (whole == n) return;
  HWY_ALIGN float rest[HWY_MAX_BYTES / sizeof(float)];
  widened<W>(d, weights + whole, n - whole, rest);
  std::memcpy(out + whole, rest, (n - whole) * sizeof(float));
}

void ToF32Target(FloatType type, const std::byte* data, std::size_t n, float* out) {
  switch (type) {
    case FloatType::kF64:
      for (std::size_t i = 0; i < n; ++i) {
        double value;
        std::memcpy(&value, data + i * sizeof value, sizeof value);
        out[i] = static_cast<float>(value);
      }
      return;
    case FloatType::kF32:
      if (n != 0) std::memcpy(out, data, n * sizeof(float));
      return;
    case FloatType::kF16:
      return convert<F16Weights>(data, n, out);
    case FloatType::kBF16:
      return convert<Bf16Weights>(data, n, out);
  }
}

}  // namespace pare::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pare::kernels {
namespace {
HWY_EXPORT(ToF32Target);
}  // namespace

void to_f32(FloatType type, const std::byte* data, std::size_t n, float* out) {
  PARE_DISPATCH(ToF32Target)(type, data, n, out);
}

}  // namespace pare::kernels
#endif
