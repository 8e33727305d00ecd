// Unpacking of small integers from bytes, sixteen or thirty-two bytes at a time. Included once per target, after
// highway.h.
#if defined(PARE_BLOCK_BYTES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PARE_BLOCK_BYTES_INL_H_
#undef PARE_BLOCK_BYTES_INL_H_
#else
#define PARE_BLOCK_BYTES_INL_H_
#endif

#include <hwy/highway.h>

#include <bit>
#include <cstdint>
#include <cstring>
#include <utility>

HWY_BEFORE_NAMESPACE();
namespace pare::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Byte = std::uint8_t;

/// The F16 number at an address that may be unaligned, exactly.
HWY_INLINE float half_at(const Byte* bytes) {
  std::uint16_t half;
  std::memcpy(&half, bytes, sizeof half);
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2
  const hn::FixedTag<float, 4> d;
  const hn::Rebind<hwy::float16_t, decltype(d)> dh;
  return hn::GetLane(hn::PromoteTo(d, hn::BitCast(dh, hn::Set(hn::Rebind<std::uint16_t, decltype(d)>(), half))));
#else
  const std::uint32_t exponent = half >> 10 & 31U, mantissa = half & 1023U;
  const std::uint32_t bits = (exponent == 31 ? 255U : exponent + 112) << 23 | mantissa << 13;
  const float magnitude = exponent == 0 ? static_cast<float>(mantissa) * 0x1p-24F : std::bit_cast<float>(bits);
  return (half & 0x8000U) != 0 ? -magnitude : magnitude;
#endif
}

#if HWY_TARGET == HWY_SCALAR

/// Without vectors, each function computes byte by byte what its namesake below does.
struct Bytes16 {
  Byte byte[16];
};

template <class F>
HWY_INLINE Bytes16 for_each_byte(const F& f) {
  Bytes16 result;
  for (std::size_t i = 0; i < 16; ++i) result.byte[i] = static_cast<Byte>(f(i));
  return result;
}
inline Bytes16 load(const Byte* bytes) {
  return for_each_byte([=](std::size_t i) { return bytes[i]; });
}
constexpr std::size_t kWide = 16;
inline Bytes16 load_wide(const Byte* bytes) { return load(bytes); }
inline Bytes16 all(int byte) {
  return for_each_byte([=](std::size_t) { return byte; });
}
inline Bytes16 words(std::uint64_t first, std::uint64_t second) {
  return for_each_byte([=](std::size_t i) { return (i < 8 ? first : second) >> i % 8 * 8; });
}
inline void store(const Bytes16& bytes, std::int8_t* to) { std::memcpy(to, bytes.byte, 16); }
inline Bytes16 both(const Bytes16& a, const Bytes16& b) {
  return for_each_byte([&](std::size_t i) { return a.byte[i] & b.byte[i]; });
}
inline Bytes16 either(const Bytes16& a, const Bytes16& b) {
  return for_each_byte([&](std::size_t i) { return a.byte[i] | b.byte[i]; });
}
inline Bytes16 plus(const Bytes16& a, const Bytes16& b) {
  return for_each_byte([&](std::size_t i) { return a.byte[i] + b.byte[i]; });
}
inline Bytes16 minus(const Bytes16& a, const Bytes16& b) {
  return for_each_byte([&](std::size_t i) { return a.byte[i] - b.byte[i]; });
}
inline Bytes16 minus(const Bytes16& a, int b) { return minus(a, all(b)); }
inline Bytes16 above(const Bytes16& a, int limit) {
  return for_each_byte([&](std::size_t i) { return a.byte[i] > limit ? 255 : 0; });
}
inline Bytes16 looked_up(const Bytes16& table, const Bytes16& indices) {
  return for_each_byte([&](std::size_t i) { return table.byte[indices.byte[i]]; });
}
template <int from, int to>
inline Bytes16 field(const Bytes16& a, int mask) {
  return for_each_byte(
      [&](std::size_t i) { return (from > to ? a.byte[i] >> (from - to) : a.byte[i] << (to - from)) & mask; });
}

#else

constexpr hn::FixedTag<Byte, 16> kBytes16{};
using Bytes16 = hn::Vec<hn::FixedTag<Byte, 16> >;
/// Thirty-two bytes where vectors have as many. The functions below that are templates are for these and Bytes16.
using WideTag = hn::CappedTag<Byte, 32>;
constexpr std::size_t kWide = hn::MaxLanes(WideTag());

HWY_INLINE Bytes16 load(const Byte* bytes) { return hn::LoadU(kBytes16, bytes); }
HWY_INLINE hn::Vec<WideTag> load_wide(const Byte* bytes) { return hn::LoadU(WideTag(), bytes); }
HWY_INLINE Bytes16 all(int byte) { return hn::Set(kBytes16, static_cast<Byte>(byte)); }
/// Two little-endian words.
HWY_INLINE Bytes16 words(std::uint64_t first, std::uint64_t second) {
  const hn::FixedTag<std::uint64_t, 2> d;
  return hn::BitCast(kBytes16, hn::InterleaveLower(d, hn::Set(d, first), hn::Set(d, second)));
}
template <class V>
HWY_INLINE void store(V bytes, std::int8_t* to) {
  const hn::RebindToSigned<hn::DFromV<V> > d;
  hn::StoreU(hn::BitCast(d, bytes), d, to);
}
template <class V>
HWY_INLINE V both(V a, V b) {
  return hn::And(a, b);
}
template <class V>
HWY_INLINE V either(V a, V b) {
  return hn::Or(a, b);
}
HWY_INLINE Bytes16 plus(Bytes16 a, Bytes16 b) { return hn::Add(a, b); }
HWY_INLINE Bytes16 minus(Bytes16 a, Bytes16 b) { return hn::Sub(a, b); }
template <class V>
HWY_INLINE V minus(V a, int b) {
  return hn::Sub(a, hn::Set(hn::DFromV<V>(), static_cast<Byte>(b)));
}
/// 255 where a byte is greater than the limit, and 0 elsewhere.
HWY_INLINE Bytes16 above(Bytes16 a, int limit) { return hn::VecFromMask(kBytes16, hn::Gt(a, all(limit))); }
/// The entries of a table at the indices, which are below 16.
HWY_INLINE Bytes16 looked_up(Bytes16 table, Bytes16 indices) { return hn::TableLookupBytes(table, indices); }
/// The bits of `mask` in each byte after those from bit `from` on have moved to bit `to`.
template <int from, int to, class V>
HWY_INLINE V field(V a, int mask) {
  // What comes from the neighboring byte in a shift of sixteen bits is masked away.
  const hn::DFromV<V> bytes;
  const hn::Repartition<std::uint16_t, hn::DFromV<V> > d;
  if constexpr (from > to) a = hn::BitCast(bytes, hn::ShiftRight<from - to>(hn::BitCast(d, a)));
  if constexpr (from < to) a = hn::BitCast(bytes, hn::ShiftLeft<to - from>(hn::BitCast(d, a)));
  return hn::And(a, hn::Set(bytes, static_cast<Byte>(mask)));
}

#endif

template <class V>
HWY_INLINE V low_half(V a) {
  return field<0, 0>(a, 15);
}
template <class V>
HWY_INLINE V high_half(V a) {
  return field<4, 0>(a, 15);
}

template <class F, int... i>
HWY_INLINE void call_each(const F& f, std::integer_sequence<int, i...>) {
  (f(std::integral_constant<int, i>()), ...);
}
/// Calls f with each of 0 to n - 1, as a constant.
template <int n, class F>
HWY_INLINE void unrolled(const F& f) {
  call_each(f, std::make_integer_sequence<int, n>());
}

/// 16 bytes hold the low halves of 16 values, then the high halves of the next 16.
HWY_INLINE void nibbles(const Byte* bytes, int offset, std::int8_t* q) {
  const Bytes16 pairs = load(bytes);
  store(minus(low_half(pairs), all(offset)), q);
  store(minus(high_half(pairs), all(offset)), q + 16);
}

/// The same with indices into a table.
HWY_INLINE void nibbles_of(const std::int8_t* values, const Byte* bytes, std::int8_t* q) {
  const Bytes16 pairs = load(bytes), table = load(reinterpret_cast<const Byte*>(values));
  store(looked_up(table, low_half(pairs)), q);
  store(looked_up(table, high_half(pairs)), q + 16);
}

/// Sixteen bytes that are 16 where one of the sixteen bits of `bits` is set.
HWY_INLINE Bytes16 as_fifth_bits(std::uint32_t bits) {
  constexpr std::uint64_t kEach = 0x0101010101010101, kOneBit = 0x8040201008040201;
  const Bytes16 set = words((bits & 255) * kEach & kOneBit, (bits >> 8 & 255) * kEach & kOneBit);
  return both(above(set, 0), all(16));
}

/// Nibbles with a fifth bit each: bit i of 32 belongs to value i.
HWY_INLINE void nibbles_and_bits(const Byte* bytes, const Byte* bits_at, int offset, std::int8_t* q) {
  std::uint32_t bits;
  std::memcpy(&bits, bits_at, sizeof bits);
  const Bytes16 pairs = load(bytes);
  store(minus(either(low_half(pairs), as_fifth_bits(bits)), all(offset)), q);
  store(minus(either(high_half(pairs), as_fifth_bits(bits >> 16)), all(offset)), q + 16);
}

/// 32 bytes hold four values each: 32 values in the lowest bits, then 32 in the next ones, and so on.
HWY_INLINE void quarters(const Byte* bytes, int offset, std::int8_t* q) {
  for (std::size_t i = 0; i < 32; i += kWide) {
    const auto four = load_wide(bytes + i);
    unrolled<4>([&](auto part) HWY_ATTR { store(minus(field<2 * part, 0>(four, 3), offset), q + 32 * part + i); });
  }
}

/// Sixteen products of a scale and signed bytes.
HWY_INLINE void scaled(Bytes16 q, float scale, float* out) {
  const hn::CappedTag<float, 16> d;
  const hn::Rebind<std::int32_t, decltype(d)> wide;
  const hn::Rebind<std::int8_t, decltype(d)> narrow;
  alignas(16) std::int8_t numbers[16];
  store(q, numbers);
  for (std::size_t i = 0; i < 16; i += hn::Lanes(d)) {
    const auto number = hn::ConvertTo(d, hn::PromoteTo(wide, hn::LoadU(narrow, numbers + i)));
    hn::StoreU(hn::Mul(hn::Set(d, scale), number), d, out + i);
  }
}

}  // namespace pare::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
