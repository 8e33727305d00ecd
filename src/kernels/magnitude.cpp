#include "kernels/magnitude.h"

#include "kernels/targets.h"

#ifndef PARE_KERNELS_TOGETHER
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/magnitude.cpp"  // NOLINT: Highway compiles this file per target
#include <hwy/foreach_target.h>
#endif
// Highway's per-target headers come after foreach_target.h.
#include <hwy/highway.h>

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "kernels/elements-inl.h"

HWY_BEFORE_NAMESPACE();
namespace pare::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <class U>
constexpr U kSignBit = static_cast<U>(U{1} << (sizeof(U) * 8 - 1));

template <class D>
HWY_INLINE hn::Vec<D> load_bits(D d, const std::byte* data, std::size_t index) {
  return hn::LoadU(d, reinterpret_cast<const hn::TFromD<D>*>(data) + index);
}

template <class D, class V>
HWY_INLINE std::uint64_t largest_lane(D d, V v) {
  HWY_ALIGN hn::TFromD<D> lanes[HWY_MAX_BYTES / sizeof(hn::TFromD<D>)];
  hn::Store(v, d, lanes);
  return *std::max_element(lanes, lanes + hn::Lanes(d));
}

template <class U>
HWY_INLINE void key_range_tail(const std::byte* data, std::size_t begin, std::size_t n, U cutoff, KeyRange& range) {
  for (std::size_t i = begin; i < n; ++i) {
    const U bits = load_one<U>(data, i);
    const U key = static_cast<U>(bits & ~kSignBit<U>);
    range.max_unsigned = std::max<std::uint64_t>(range.max_unsigned, bits);
    if (bits == key) {
      range.any_positive = true;
      range.max_positive = std::max<std::uint64_t>(range.max_positive, bits);
    }
    range.min_key = std::min<std::uint64_t>(range.min_key, key);
    range.above += key > cutoff;
    range.inside += bits < cutoff;
    range.negative += bits != key;
  }
}

template <class U>
KeyRange key_range_of(const std::byte* data, std::size_t n, U cutoff) {
  using S = std::make_signed_t<U>;
  const hn::ScalableTag<U> d;
  const hn::ScalableTag<S> ds;
  const std::size_t lanes = hn::Lanes(d);
  const auto magnitude_mask = hn::Set(d, static_cast<U>(~kSignBit<U>));
  const auto cut = hn::Set(d, cutoff);
  const auto signed_cut = hn::BitCast(ds, cut);
  auto max_unsigned = hn::Zero(d);
  auto max_signed = hn::Set(ds, std::numeric_limits<S>::min());
  auto min_key = magnitude_mask;
  KeyRange range;
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto bits = load_bits(d, data, i);
    const auto key = hn::And(bits, magnitude_mask);
    max_unsigned = hn::Max(max_unsigned, bits);
    max_signed = hn::Max(max_signed, hn::BitCast(ds, bits));
    min_key = hn::Min(min_key, key);
    // Keys are never negative as signed numbers, and signed compares are cheaper before AVX-512.
    range.above += hn::CountTrue(ds, hn::Gt(hn::BitCast(ds, key), signed_cut));
    range.inside += hn::CountTrue(d, hn::Lt(bits, cut));
    range.negative += hn::CountTrue(ds, hn::Lt(hn::BitCast(ds, bits), hn::Zero(ds)));
  }
  if (i != 0) {
    range.max_unsigned = largest_lane(d, max_unsigned);
    HWY_ALIGN S signed_lanes[HWY_MAX_BYTES / sizeof(S)];
    hn::Store(max_signed, ds, signed_lanes);
    const S largest = *std::max_element(signed_lanes, signed_lanes + lanes);
    range.any_positive = largest >= 0;
    range.max_positive = range.any_positive ? static_cast<std::uint64_t>(largest) : 0;
    HWY_ALIGN U key_lanes[HWY_MAX_BYTES / sizeof(U)];
    hn::Store(min_key, d, key_lanes);
    range.min_key = *std::min_element(key_lanes, key_lanes + lanes);
  }
  key_range_tail<U>(data, i, n, cutoff, range);
  return range;
}

template <class U>
SideCount count_sides_of(const std::byte* data, std::size_t n, U cutoff) {
  using S = std::make_signed_t<U>;
  const hn::ScalableTag<U> d;
  const hn::ScalableTag<S> ds;
  const std::size_t lanes = hn::Lanes(d);
  const auto magnitude_mask = hn::Set(d, static_cast<U>(~kSignBit<U>));
  const auto cut = hn::Set(d, cutoff);
  SideCount count;
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto bits = load_bits(d, data, i);
    count.above += hn::CountTrue(ds, hn::Gt(hn::BitCast(ds, hn::And(bits, magnitude_mask)), hn::BitCast(ds, cut)));
    count.inside += hn::CountTrue(d, hn::Lt(bits, cut));
  }
  for (; i < n; ++i) {
    const U bits = load_one<U>(data, i);
    count.above += static_cast<U>(bits & ~kSignBit<U>) > cutoff;
    count.inside += bits < cutoff;
  }
  return count;
}

template <class U>
std::uint64_t count_pattern_of(const std::byte* data, std::size_t n, U pattern) {
  const hn::ScalableTag<U> d;
  const std::size_t lanes = hn::Lanes(d);
  const auto wanted = hn::Set(d, pattern);
  std::uint64_t count = 0;
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) count += hn::CountTrue(d, hn::Eq(load_bits(d, data, i), wanted));
  for (; i < n; ++i) count += load_one<U>(data, i) == pattern;
  return count;
}

template <class U>
RankCount count_rank_of(const std::byte* data, std::size_t n, U pivot) {
  const hn::ScalableTag<U> d;
  const std::size_t lanes = hn::Lanes(d);
  const auto magnitude_mask = hn::Set(d, static_cast<U>(~kSignBit<U>));
  const auto middle = hn::Set(d, pivot);
  RankCount count;
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto key = hn::And(load_bits(d, data, i), magnitude_mask);
    count.below += hn::CountTrue(d, hn::Lt(key, middle));
    count.equal += hn::CountTrue(d, hn::Eq(key, middle));
  }
  for (; i < n; ++i) {
    const U key = static_cast<U>(load_one<U>(data, i) & ~kSignBit<U>);
    count.below += key < pivot;
    count.equal += key == pivot;
  }
  return count;
}

template <class U>
void copy_from_key_of(const std::byte* source, std::byte* target, std::size_t n, U cut) {
  const hn::ScalableTag<U> d;
  const std::size_t lanes = hn::Lanes(d);
  const auto magnitude_mask = hn::Set(d, static_cast<U>(~kSignBit<U>));
  const auto lowest = hn::Set(d, cut);
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto bits = load_bits(d, source, i);
    const auto kept = hn::IfThenZeroElse(hn::Lt(hn::And(bits, magnitude_mask), lowest), bits);
    hn::StoreU(kept, d, reinterpret_cast<U*>(target) + i);
  }
  for (; i < n; ++i) {
    const U bits = load_one<U>(source, i);
    const U kept = static_cast<U>(bits & ~kSignBit<U>) >= cut ? bits : U{0};
    std::memcpy(target + i * sizeof(U), &kept, sizeof(U));
  }
}

KeyRange KeyRangeTarget(Width width, const std::byte* data, std::size_t n, std::uint64_t cutoff) {
  return with_width(width, [&](auto zero) { return key_range_of(data, n, static_cast<decltype(zero)>(cutoff)); });
}
SideCount CountSidesTarget(Width width, const std::byte* data, std::size_t n, std::uint64_t cutoff) {
  return with_width(width, [&](auto zero) { return count_sides_of(data, n, static_cast<decltype(zero)>(cutoff)); });
}
std::uint64_t CountPatternTarget(Width width, const std::byte* data, std::size_t n, std::uint64_t bits) {
  return with_width(width, [&](auto zero) { return count_pattern_of(data, n, static_cast<decltype(zero)>(bits)); });
}
RankCount CountRankTarget(Width width, const std::byte* data, std::size_t n, std::uint64_t pivot) {
  return with_width(width, [&](auto zero) { return count_rank_of(data, n, static_cast<decltype(zero)>(pivot)); });
}
void CopyFromKeyTarget(Width width, const std::byte* source, std::byte* target, std::size_t n, std::uint64_t cut) {
  with_width(width, [&](auto zero) { copy_from_key_of(source, target, n, static_cast<decltype(zero)>(cut)); });
}
const char* TargetNameTarget() { return hwy::TargetName(HWY_TARGET); }

}  // namespace pare::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pare::kernels {
namespace {
HWY_EXPORT(KeyRangeTarget);
HWY_EXPORT(CountSidesTarget);
HWY_EXPORT(CountPatternTarget);
HWY_EXPORT(CountRankTarget);
HWY_EXPORT(CopyFromKeyTarget);
HWY_EXPORT(TargetNameTarget);
}  // namespace

KeyRange key_range(Width width, const std::byte* data, std::size_t n, std::uint64_t cutoff) {
  return PARE_DISPATCH(KeyRangeTarget)(width, data, n, cutoff);
}
SideCount count_sides(Width width, const std::byte* data, std::size_t n, std::uint64_t cutoff) {
  return PARE_DISPATCH(CountSidesTarget)(width, data, n, cutoff);
}
std::uint64_t count_pattern(Width width, const std::byte* data, std::size_t n, std::uint64_t bits) {
  return PARE_DISPATCH(CountPatternTarget)(width, data, n, bits);
}
RankCount count_rank(Width width, const std::byte* data, std::size_t n, std::uint64_t pivot) {
  return PARE_DISPATCH(CountRankTarget)(width, data, n, pivot);
}
void copy_from_key(Width width, const std::byte* source, std::byte* target, std::size_t n, std::uint64_t cut) {
  PARE_DISPATCH(CopyFromKeyTarget)(width, source, target, n, cut);
}
std::string dispatched_target() { return PARE_DISPATCH(TargetNameTarget)(); }

}  // namespace pare::kernels
#endif
