// Loads of weights as F32, for every type of a WeightView. Included once per target, after highway.h.
#if defined(PARE_WEIGHTS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PARE_WEIGHTS_INL_H_
#undef PARE_WEIGHTS_INL_H_
#else
#define PARE_WEIGHTS_INL_H_
#endif

#include <hwy/highway.h>

#include <cstdint>
#include <cstring>

#include "kernels/weight_view.h"

HWY_BEFORE_NAMESPACE();
namespace pare::kernels::HWY_NAMESPACE {

/// `bits` as F16, exactly. Where the processor has no instruction for it, Highway's PromoteTo treats the exponent of
/// infinities and NaNs as an ordinary one (infinity becomes 65536).
template <class D, class VU16>
HWY_INLINE hwy::HWY_NAMESPACE::Vec<D> half_to_float(D d, VU16 bits) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::Rebind<hwy::float16_t, D> dh;
  const auto value = hn::PromoteTo(d, hn::BitCast(dh, bits));
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2
  return value;
#else
  const hn::Rebind<std::uint32_t, D> du;
  const auto wide = hn::PromoteTo(du, bits), exponent = hn::Set(du, 0x7C00U);
  const auto special = hn::Eq(hn::And(wide, exponent), exponent);
  const auto sign = hn::ShiftLeft<16>(hn::And(wide, hn::Set(du, 0x8000U)));
  const auto mantissa = hn::ShiftLeft<13>(hn::And(wide, hn::Set(du, 0x3FFU)));
  const auto repaired = hn::Or(hn::Or(sign, mantissa), hn::Set(du, 0x7F800000U));
  return hn::BitCast(d, hn::IfThenElse(special, repaired, hn::BitCast(du, value)));
#endif
}

// Each type has `Element`, what is stored, and load(d, from), which widens a vector; `from` may be unaligned.

struct F32Weights {
  using Element = float;
  template <class D>
  static HWY_INLINE hwy::HWY_NAMESPACE::Vec<D> load(D d, const float* from) {
    return hwy::HWY_NAMESPACE::LoadU(d, from);
  }
};

struct Bf16Weights {
  using Element = std::uint16_t;
  template <class D>
  static HWY_INLINE hwy::HWY_NAMESPACE::Vec<D> load(D d, const std::uint16_t* from) {
    namespace hn = hwy::HWY_NAMESPACE;
    const hn::Rebind<std::uint16_t, D> dh;
    const hn::Rebind<std::uint32_t, D> du;
    return hn::BitCast(d, hn::ShiftLeft<16>(hn::PromoteTo(du, hn::LoadU(dh, from))));
  }
};

struct F16Weights {
  using Element = std::uint16_t;
  template <class D>
  static HWY_INLINE hwy::HWY_NAMESPACE::Vec<D> load(D d, const std::uint16_t* from) {
    namespace hn = hwy::HWY_NAMESPACE;
    return half_to_float(d, hn::LoadU(hn::Rebind<std::uint16_t, D>(), from));
  }
};

/// n weights as F32: those of F32 where they are, others in `room`, which has space for whole vectors.
template <class W, class D>
HWY_INLINE const float* widened(D d, const typename W::Element* weights, std::size_t n, [[maybe_unused]] float* room) {
  namespace hn = hwy::HWY_NAMESPACE;
  if constexpr (sizeof(typename W::Element) == sizeof(float)) {
    return weights;
  } else {
    const std::size_t lanes = hn::Lanes(d);
    std::size_t i = 0;
    for (; i + lanes <= n; i += lanes) hn::StoreU(W::load(d, weights + i), d, room + i);
    if (i < n) {
      typename W::Element rest[HWY_MAX_BYTES / sizeof(float)] = {};
      std::memcpy(rest, weights + i, (n - i) * sizeof *weights);
      hn::StoreU(W::load(d, rest), d, room + i);
    }
    return room;
  }
}

/// Calls f(W(), const W::Element*) for the type of some weights.
template <class F>
HWY_INLINE void with_weights(FloatType type, const std::byte* data, F f) {
  if (type == FloatType::kBF16) return f(Bf16Weights(), reinterpret_cast<const std::uint16_t*>(data));
  if (type == FloatType::kF16) return f(F16Weights(), reinterpret_cast<const std::uint16_t*>(data));
  return f(F32Weights(), reinterpret_cast<const float*>(data));
}

}  // namespace pare::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
