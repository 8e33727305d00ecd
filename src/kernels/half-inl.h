// F16 to F32 with infinities and NaNs on every instruction set. Included once per target, after highway.h.
#if defined(PARE_HALF_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PARE_HALF_INL_H_
#undef PARE_HALF_INL_H_
#else
#define PARE_HALF_INL_H_
#endif

#include <hwy/highway.h>

#include <cstdint>

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

}  // namespace pare::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
