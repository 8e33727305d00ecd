// Loads of stored elements as doubles. Included once per target, after highway.h.
#if defined(PARE_MOMENTS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PARE_MOMENTS_INL_H_
#undef PARE_MOMENTS_INL_H_
#else
#define PARE_MOMENTS_INL_H_
#endif

#include <hwy/highway.h>

#include <cstddef>
#include <cstdint>

#include "kernels/moments.h"
#include "kernels/weights-inl.h"

HWY_BEFORE_NAMESPACE();
namespace pare::kernels::HWY_NAMESPACE {

using DoubleTag = hwy::HWY_NAMESPACE::CappedTag<double, MomentLanes::kLanes>;
using Doubles = hwy::HWY_NAMESPACE::Vec<DoubleTag>;

/// As many consecutive elements as a vector has lanes, as doubles. Every conversion here is exact.
template <FloatType kType>
HWY_INLINE Doubles load_doubles(const std::byte* data, std::size_t index) {
  namespace hn = hwy::HWY_NAMESPACE;
  const DoubleTag dd;
  if constexpr (kType == FloatType::kF64) {
    return hn::LoadU(dd, reinterpret_cast<const double*>(data) + index);
  } else if constexpr (kType == FloatType::kF32) {
    const hn::Rebind<float, DoubleTag> df;
    return hn::PromoteTo(dd, hn::LoadU(df, reinterpret_cast<const float*>(data) + index));
  } else if constexpr (kType == FloatType::kBF16) {
    const hn::Rebind<float, DoubleTag> df;
    const hn::Rebind<std::uint32_t, DoubleTag> du;
    const hn::Rebind<std::uint16_t, DoubleTag> dh;
    const auto half = hn::LoadU(dh, reinterpret_cast<const std::uint16_t*>(data) + index);
    return hn::PromoteTo(dd, hn::BitCast(df, hn::ShiftLeft<16>(hn::PromoteTo(du, half))));
  } else {
    const hn::Rebind<float, DoubleTag> df;
    const hn::Rebind<std::uint16_t, DoubleTag> du;
    const auto half = hn::LoadU(du, reinterpret_cast<const std::uint16_t*>(data) + index);
    return hn::PromoteTo(dd, half_to_float(df, half));
  }
}

/// squares + value * value. Squares of all types but F64 are exact in double, so fusing changes nothing.
template <FloatType kType>
HWY_INLINE Doubles add_square(Doubles value, Doubles squares) {
  namespace hn = hwy::HWY_NAMESPACE;
  if constexpr (kType == FloatType::kF64) return hn::Add(squares, hn::Mul(value, value));
  return hn::MulAdd(value, value, squares);
}

}  // namespace pare::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
