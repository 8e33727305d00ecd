#include "kernels/quants/scaled_bytes.h"

#include "kernels/targets.h"

#ifndef PARE_KERNELS_TOGETHER
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/quants/scaled_bytes.cpp"  // NOLINT: Highway compiles this file per target
#include <hwy/foreach_target.h>
#endif
// Highway's per-target headers come after foreach_target.h.
#include <hwy/highway.h>

#include <cstring>

#include "kernels/weights-inl.h"

HWY_BEFORE_NAMESPACE();
namespace pare::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using FloatTag = hn::CappedTag<float, 16>;
constexpr std::size_t kWidth = hn::MaxLanes(FloatTag());

/// The values of a vector of bytes. FP8 goes by F16, whose subnormal numbers cost nothing.
template <ByteType type>
HWY_INLINE hn::Vec<FloatTag> byte_values(const std::byte* bytes) {
  const FloatTag d;
  if constexpr (type == ByteType::kI8) {
    const hn::Rebind<std::int8_t, FloatTag> narrow;
    const hn::Rebind<std::int32_t, FloatTag> wide;
    return hn::ConvertTo(d, hn::PromoteTo(wide, hn::LoadU(narrow, reinterpret_cast<const std::int8_t*>(bytes))));
  } else {
    const hn::Rebind<std::uint8_t, FloatTag> narrow;
    const hn::Rebind<std::uint16_t, FloatTag> half;
    const hn::Rebind<std::uint32_t, FloatTag> wide;
    constexpr bool is_e4m3 = type == ByteType::kE4M3;
    const auto bits = hn::PromoteTo(half, hn::LoadU(narrow, reinterpret_cast<const std::uint8_t*>(bytes)));
    const auto magnitude = hn::And(bits, hn::Set(half, 0x7f)), sign = hn::Xor(bits, magnitude);
    const auto value = half_to_float(
        d, hn::Or(hn::ShiftLeft<8>(sign), is_e4m3 ? hn::ShiftLeft<7>(magnitude) : hn::ShiftLeft<8>(magnitude)));
    const auto nan = hn::Or(hn::ShiftLeft<24>(hn::PromoteTo(wide, sign)), hn::Set(wide, 0x7fc00000));
    const auto is_nan = hn::Gt(hn::PromoteTo(wide, magnitude), hn::Set(wide, is_e4m3 ? 0x7e : 0x7c));
    const auto scaled = is_e4m3 ? hn::Mul(value, hn::Set(d, 256.0F)) : value;  // the exponents' biases are 7 and 15
    return hn::IfThenElse(hn::RebindMask(d, is_nan), hn::BitCast(d, nan), scaled);
  }
}

/// kPlain: nothing but the scale.
template <ByteType type, bool kPlain>
void scale_typed(const std::byte* bytes, std::size_t n, const ByteScale& by, float* HWY_RESTRICT out) {
  const FloatTag d;
  const auto zero = hn::Set(d, by.zero), scale = hn::Set(d, by.scale), factor = hn::Set(d, by.factor);
  const auto values = [=](const std::byte* from) HWY_ATTR {
    const auto value = byte_values<type>(from);
    if constexpr (kPlain) return hn::Mul(value, scale);
    return hn::Mul(hn::Mul(hn::Sub(value, zero), scale), factor);
  };
  const std::size_t whole = n / kWidth * kWidth;
  for (std::size_t i = 0; i < whole; i += kWidth) hn::StoreU(values(bytes + i), d, out + i);
  if (whole == n) return;
  std::byte rest[kWidth] = {};
  float last[kWidth];
  std::memcpy(rest, bytes + whole, n - whole);
  hn::StoreU(values(rest), d, last);
  std::memcpy(out + whole, last, (n - whole) * sizeof(float));
}

template <ByteType type>
void scale_any(const std::byte* bytes, std::size_t n, const ByteScale& by, float* out) {
  if (by.zero == 0 && by.factor == 1) return scale_typed<type, true>(bytes, n, by, out);
  scale_typed<type, false>(bytes, n, by, out);
}

void ScaleBytesTarget(ByteType type, const std::byte* bytes, std::size_t n, const ByteScale& by, float* out) {
  switch (type) {
    case ByteType::kE4M3:
      return scale_any<ByteType::kE4M3>(bytes, n, by, out);
    case ByteType::kE5M2:
      return scale_any<ByteType::kE5M2>(bytes, n, by, out);
    default:
      return scale_any<ByteType::kI8>(bytes, n, by, out);
  }
}

/// The upper halves of the patterns, rounded.
HWY_INLINE auto rounded_halves(const float* values) {
  const hn::Rebind<std::uint32_t, FloatTag> d;
  const hn::Rebind<std::int32_t, FloatTag> ds;
  const hn::Rebind<std::uint16_t, FloatTag> half;
  const auto bits = hn::LoadU(d, reinterpret_cast<const std::uint32_t*>(values));
  const auto upper = hn::ShiftRight<16>(bits);
  const auto odd = hn::And(upper, hn::Set(d, 1));
  const auto rounded = hn::ShiftRight<16>(hn::Add(bits, hn::Add(odd, hn::Set(d, 0x7fff))));
  const auto is_nan = hn::Gt(hn::And(bits, hn::Set(d, 0x7fffffff)), hn::Set(d, 0x7f800000));
  return hn::DemoteTo(half, hn::BitCast(ds, hn::IfThenElse(is_nan, hn::Or(upper, hn::Set(d, 0x40)), rounded)));
}

void ToBf16Target(const float* values, std::size_t n, std::byte* out) {
  const hn::Rebind<std::uint16_t, FloatTag> half;
  const std::size_t whole = n / kWidth * kWidth;
  auto* to = reinterpret_cast<std::uint16_t*>(out);
  for (std::size_t i = 0; i < whole; i += kWidth) hn::StoreU(rounded_halves(values + i), half, to + i);
  if (whole == n) return;
  float rest[kWidth] = {};
  std::uint16_t halves[kWidth];
  std::memcpy(rest, values + whole, (n - whole) * sizeof(float));
  hn::StoreU(rounded_halves(rest), half, halves);
  std::memcpy(out + 2 * whole, halves, (n - whole) * sizeof(std::uint16_t));
}

}  // namespace pare::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pare::kernels {
namespace {
HWY_EXPORT(ScaleBytesTarget);
HWY_EXPORT(ToBf16Target);
}  // namespace

void scale_bytes(ByteType type, const std::byte* bytes, std::size_t n, const ByteScale& by, float* out) {
  PARE_DISPATCH(ScaleBytesTarget)(type, bytes, n, by, out);
}
void to_bf16(const float* values, std::size_t n, std::byte* out) { PARE_DISPATCH(ToBf16Target)(values, n, out); }

}  // namespace pare::kernels
#endif
