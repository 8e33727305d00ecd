#include "kernels/float_convert.h"

#include "kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/float_convert.cpp"  // NOLINT: Highway compiles this file per target
#include <hwy/foreach_target.h>
// Highway's per-target headers come after foreach_target.h.
#include <hwy/highway.h>

#include <cstring>

#include "kernels/half-inl.h"

HWY_BEFORE_NAMESPACE();
namespace pare::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::ScalableTag<float>;

struct FromBf16 {
  static constexpr std::size_t kSize = 2;
  static HWY_INLINE auto load(const std::byte* data, std::size_t index) {
    const hn::Rebind<std::uint16_t, Floats> dh;
    const hn::Rebind<std::uint32_t, Floats> du;
    const auto half = hn::LoadU(dh, reinterpret_cast<const std::uint16_t*>(data) + index);
    return hn::BitCast(Floats(), hn::ShiftLeft<16>(hn::PromoteTo(du, half)));
  }
};

struct FromF16 {
  static constexpr std::size_t kSize = 2;
  static HWY_INLINE auto load(const std::byte* data, std::size_t index) {
    const hn::Rebind<std::uint16_t, Floats> dh;
    const auto half = hn::LoadU(dh, reinterpret_cast<const std::uint16_t*>(data) + index);
    return half_to_float(Floats(), half);
  }
};

template <class From>
void convert(const std::byte* data, std::size_t n, float* out) {
  const Floats d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(From::load(data, i), d, out + i);
  if (i == n) return;
  HWY_ALIGN std::byte rest[HWY_MAX_BYTES] = {};
  HWY_ALIGN float converted[HWY_MAX_BYTES / sizeof(float)];
  std::memcpy(rest, data + i * From::kSize, (n - i) * From::kSize);
  hn::Store(From::load(rest, 0), d, converted);
  std::memcpy(out + i, converted, (n - i) * sizeof(float));
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
      return convert<FromF16>(data, n, out);
    case FloatType::kBF16:
      return convert<FromBf16>(data, n, out);
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
