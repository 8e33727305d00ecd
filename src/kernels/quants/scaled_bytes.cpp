#include "kernels/quants/scaled_bytes.h"

#include "kernels/targets.h"

#ifndef PARE_KERNELS_TOGETHER
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/quants/scaled_bytes.cpp"  // NOLINT: Highway compiles this file per target
#include <hwy/foreach_target.h>
#endif
// Highway's per-target headers come after foreach_target.h.
#include <hwy/highway.h>

#include <algorithm>
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

/// Whether a byte is NaN.
template <ByteType type>
bool any_nan(const std::byte* bytes, std::size_t n) {
  if constexpr (type == ByteType::kI8) return false;
  constexpr std::uint8_t kLimit = type == ByteType::kE4M3 ? 0x7e : 0x7c;
  const hn::ScalableTag<std::uint8_t> d;
  const auto* data = reinterpret_cast<const std::uint8_t*>(bytes);
  const std::size_t whole = n - n % hn::Lanes(d);
  auto largest = hn::Zero(d);
  for (std::size_t i = 0; i < whole; i += hn::Lanes(d))
    largest = hn::Max(largest, hn::And(hn::LoadU(d, data + i), hn::Set(d, 0x7f)));
  bool found = !hn::AllFalse(d, hn::Gt(largest, hn::Set(d, kLimit)));
  for (std::size_t i = whole; i < n; ++i) found = found || (data[i] & 0x7f) > kLimit;
  return found;
}

/// The values of bytes without NaN, of E4M3 divided by 256.
template <ByteType type>
HWY_INLINE hn::Vec<FloatTag> number_values(const std::byte* bytes) {
  const FloatTag d;
  if constexpr (type == ByteType::kI8) {
    return byte_values<type>(bytes);
  } else {
    const hn::Rebind<std::uint8_t, FloatTag> narrow;
    const hn::Rebind<std::uint16_t, FloatTag> half;
    const auto bits = hn::PromoteTo(half, hn::LoadU(narrow, reinterpret_cast<const std::uint8_t*>(bytes)));
    if constexpr (type == ByteType::kE5M2) return half_to_float(d, hn::ShiftLeft<8>(bits));
    const auto sign = hn::And(hn::ShiftLeft<8>(bits), hn::Set(half, 0x8000));
    return half_to_float(d, hn::Or(sign, hn::And(hn::ShiftLeft<7>(bits), hn::Set(half, 0x3f80))));
  }
}

/// The upper halves of the patterns of numbers, rounded, in 32 bits.
template <class D>
HWY_INLINE hn::Vec<D> rounded_halves(D d, hn::Vec<D> bits) {
  const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(d, 1));
  return hn::ShiftRight<16>(hn::Add(bits, hn::Add(odd, hn::Set(d, 0x7fff))));
}

/// BF16, rounded, of numbers.
HWY_INLINE auto rounded_numbers(hn::Vec<FloatTag> values) {
  const hn::Rebind<std::uint32_t, FloatTag> d;
  const hn::Rebind<std::int32_t, FloatTag> ds;
  const hn::Rebind<std::uint16_t, FloatTag> half;
  return hn::DemoteTo(half, hn::BitCast(ds, rounded_halves(d, hn::BitCast(d, values))));
}

/// Calls store(i, count, values) for each vector of values from element i on.
template <class Values, class Store>
HWY_INLINE void for_vectors(const std::byte* bytes, std::size_t n, const Values& values, const Store& store) {
  const std::size_t whole = n / kWidth * kWidth;
  for (std::size_t i = 0; i < whole; i += kWidth) store(i, kWidth, values(bytes + i));
  if (whole == n) return;
  std::byte rest[kWidth] = {};
  std::memcpy(rest, bytes + whole, n - whole);
  store(whole, n - whole, values(rest));
}

template <ByteType type, class Store>
HWY_INLINE void scale_typed(const std::byte* bytes, std::size_t n, const ByteScale& by, const Store& store) {
  const FloatTag d;
  const auto zero = hn::Set(d, by.zero), scale = hn::Set(d, by.scale), factor = hn::Set(d, by.factor);
  for_vectors(
      bytes, n,
      [=](const std::byte* from)
          HWY_ATTR { return hn::Mul(hn::Mul(hn::Sub(byte_values<type>(from), zero), scale), factor); },
      store);
}

/// Whether numbers go through number_values(): the power of two in the scale then changes no product.
template <ByteType type>
bool is_plain(const std::byte* bytes, std::size_t n, const ByteScale& by) {
  constexpr float kMost = 0x1p100F;
  return by.zero == 0 && by.factor == 1 && by.scale < kMost && by.scale > -kMost && !any_nan<type>(bytes, n);
}

template <ByteType type>
HWY_INLINE hn::Vec<FloatTag> plain_scale(const ByteScale& by) {
  return hn::Set(FloatTag(), type == ByteType::kE4M3 ? by.scale * 256 : by.scale);
}

template <ByteType type>
void scale_any(const std::byte* bytes, std::size_t n, const ByteScale& by, float* HWY_RESTRICT out) {
  const FloatTag d;
  const auto store = [=](std::size_t i, std::size_t count, hn::Vec<FloatTag> values) HWY_ATTR {
    if (count == kWidth) return hn::StoreU(values, d, out + i);
    float last[kWidth];
    hn::StoreU(values, d, last);
    std::memcpy(out + i, last, count * sizeof(float));
  };
  if (!is_plain<type>(bytes, n, by)) return scale_typed<type>(bytes, n, by, store);
  const auto scale = plain_scale<type>(by);
  for_vectors(
      bytes, n, [=](const std::byte* from) HWY_ATTR { return hn::Mul(number_values<type>(from), scale); }, store);
}

/// Returns false, and writes nothing, for what is not plain.
template <ByteType type>
bool scale_to_bf16(const std::byte* bytes, std::size_t n, const ByteScale& by, std::uint16_t* HWY_RESTRICT out) {
  if (!is_plain<type>(bytes, n, by)) return false;
  const hn::Rebind<std::uint16_t, FloatTag> half;
  const auto store = [=](std::size_t i, std::size_t count, hn::Vec<decltype(half)> halves) HWY_ATTR {
    if (count == kWidth) return hn::StoreU(halves, half, out + i);
    std::uint16_t last[kWidth];
    hn::StoreU(halves, half, last);
    std::memcpy(out + i, last, count * sizeof(std::uint16_t));
  };
  const auto scale = plain_scale<type>(by);
  for_vectors(
      bytes, n,
      [=](const std::byte* from) HWY_ATTR { return rounded_numbers(hn::Mul(number_values<type>(from), scale)); },
      store);
  return true;
}

bool ScaleBytesToBf16Target(ByteType type, const std::byte* bytes, std::size_t n, const ByteScale& by, std::byte* out) {
  auto* to = reinterpret_cast<std::uint16_t*>(out);
  switch (type) {
    case ByteType::kE4M3:
      return scale_to_bf16<ByteType::kE4M3>(bytes, n, by, to);
    case ByteType::kE5M2:
      return scale_to_bf16<ByteType::kE5M2>(bytes, n, by, to);
    default:
      return scale_to_bf16<ByteType::kI8>(bytes, n, by, to);
  }
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

/// BF16, rounded, of any values.
HWY_INLINE auto rounded_values(const float* values) {
  const hn::Rebind<std::uint32_t, FloatTag> d;
  const hn::Rebind<std::int32_t, FloatTag> ds;
  const hn::Rebind<std::uint16_t, FloatTag> half;
  const auto bits = hn::LoadU(d, reinterpret_cast<const std::uint32_t*>(values));
  const auto is_nan = hn::Gt(hn::And(bits, hn::Set(d, 0x7fffffff)), hn::Set(d, 0x7f800000));
  const auto quiet = hn::Or(hn::ShiftRight<16>(bits), hn::Set(d, 0x40));
  return hn::DemoteTo(half, hn::BitCast(ds, hn::IfThenElse(is_nan, quiet, rounded_halves(d, bits))));
}

void ToBf16Target(const float* values, std::size_t n, std::byte* out) {
  const hn::Rebind<std::uint16_t, FloatTag> half;
  const std::size_t whole = n / kWidth * kWidth;
  auto* to = reinterpret_cast<std::uint16_t*>(out);
  for (std::size_t i = 0; i < whole; i += kWidth) hn::StoreU(rounded_values(values + i), half, to + i);
  if (whole == n) return;
  float rest[kWidth] = {};
  std::uint16_t halves[kWidth];
  std::memcpy(rest, values + whole, (n - whole) * sizeof(float));
  hn::StoreU(rounded_values(rest), half, halves);
  std::memcpy(out + 2 * whole, halves, (n - whole) * sizeof(std::uint16_t));
}

}  // namespace pare::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pare::kernels {
namespace {
HWY_EXPORT(ScaleBytesTarget);
HWY_EXPORT(ScaleBytesToBf16Target);
HWY_EXPORT(ToBf16Target);
}  // namespace

void scale_bytes(ByteType type, const std::byte* bytes, std::size_t n, const ByteScale& by, float* out) {
  PARE_DISPATCH(ScaleBytesTarget)(type, bytes, n, by, out);
}
void scale_bytes_to_bf16(ByteType type, const std::byte* bytes, std::size_t n, const ByteScale& by, std::byte* out) {
  constexpr std::size_t kChunk = 512;
  if (PARE_DISPATCH(ScaleBytesToBf16Target)(type, bytes, n, by, out)) return;
  float values[kChunk];
  for (std::size_t i = 0; i < n; i += kChunk) {
    const std::size_t some = std::min(kChunk, n - i);
    scale_bytes(type, bytes + i, some, by, values);
    to_bf16(values, some, out + 2 * i);
  }
}
void to_bf16(const float* values, std::size_t n, std::byte* out) { PARE_DISPATCH(ToBf16Target)(values, n, out); }

}  // namespace pare::kernels
#endif
