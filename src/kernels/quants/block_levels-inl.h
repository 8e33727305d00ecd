// Limits of small integers that say which elements of quantized blocks exceed a cutoff, are negative or zero, or may be
// extremes. Included once per target, after highway.h.
#if defined(PARE_BLOCK_LEVELS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PARE_BLOCK_LEVELS_INL_H_
#undef PARE_BLOCK_LEVELS_INL_H_
#else
#define PARE_BLOCK_LEVELS_INL_H_
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>

#include "kernels/quants/block_layouts-inl.h"
#include "kernels/quants/extremes.h"

HWY_BEFORE_NAMESPACE();
namespace pare::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr std::size_t kGroups = 16;
/// Elements of a group: those that share a scale, if blocks have 32 of them.
template <class B>
constexpr std::size_t kGroupSizeOf = B::kGroup == 32 ? 32 : 16;
template <class B>
constexpr std::size_t kBatchOf{kGroups * kGroupSizeOf<B>};
constexpr std::size_t kLargestBatch = kGroups * 32;

/// Blocks of 256 or 512 elements, as groups of 16 or 32. Where the scale is negative, which only blocks without lows
/// may have, the elements rise with ~q instead.
struct Batch {
  alignas(64) std::int8_t q[kLargestBatch];
  alignas(64) float scale[2 * kGroups], low[2 * kGroups];  ///< unpacking may write after the groups
  float exact_below = 0;  ///< if the sum of |scale * q| and |low| is below, it is exact in F32
};

/// What of a group says which elements it has, of blocks with lows: those with q > high exceed the cutoff, and so on.
struct Levels {
  alignas(16) std::int8_t high[kGroups];      ///< largest q whose element is at most the cutoff
  alignas(16) std::int8_t low[kGroups];       ///< largest q whose element is below -cutoff
  alignas(16) std::int8_t negative[kGroups];  ///< largest q whose element is below zero
  alignas(16) std::int8_t zero[kGroups];      ///< largest q whose element is at most zero
  // Of blocks without lows, besides `high`, which is of ~q where that rises:
  alignas(16) std::int8_t magnitude[kGroups];   ///< largest |q| whose element is at most the cutoff
  alignas(16) std::int8_t flips[kGroups];       ///< -1 where the scale is negative
  alignas(16) std::int8_t void_scale[kGroups];  ///< -1 where the scale is zero
  bool any_flips = false;
  bool any_void = false;   ///< a scale is zero, or with lows an element
  bool beyond = false;     ///< an element may reach the limit
  bool irregular = false;  ///< the elements have to be computed
  bool extends = false;    ///< an element may be a new extreme
};

/// Sums of an F16 number and one that is not larger by far are exact if they are below this.
inline float exact_below(const Byte* first, const Byte* second) {
  const auto exponent_of = [](const Byte* half) {
    std::uint16_t bits;
    std::memcpy(&bits, half, sizeof bits);
    return (bits & 0x7fff) == 0 ? 30 : std::max(1, bits >> 10 & 31);
  };
  const int a = exponent_of(first), b = exponent_of(second);
  if (std::max(a, b) == 31) return 0;
  // Both are multiples of 2^(exponent - 25), and F32 has 24 bits.
  return std::bit_cast<float>(static_cast<std::uint32_t>(std::min(a, b) - 1 + 127) << 23);
}

template <class B>
HWY_INLINE void unpack_batch(const Byte* block, Batch& batch) {
  // Blocks have whole groups, or a single scale.
  constexpr std::size_t kParts = B::kElements / B::kGroup, kShare = B::kGroup / kGroupSizeOf<B>;
  for (std::size_t i = 0; i < kBatchOf<B> / B::kElements; ++i, block += B::kBytes) {
    B::unpack(block, {batch.q + i * B::kElements, batch.scale + i * kParts, batch.low + i * kParts});
    if constexpr (B::kLows) {
      const float below = exact_below(block + B::kScaleAt, block + B::kLowAt);
      batch.exact_below = i == 0 ? below : std::min(batch.exact_below, below);
    }
  }
  if constexpr (kShare != 1) {
    static_assert(kShare == kGroups && kParts == 1 && !B::kLows);
    std::fill(batch.scale + 1, batch.scale + kGroups, batch.scale[0]);
  }
}

using GroupTag = hn::CappedTag<float, kGroups>;
using Floats = hn::Vec<GroupTag>;
using FloatMask = hn::Mask<GroupTag>;

HWY_INLINE Floats floats(int number) { return hn::Set(GroupTag(), static_cast<float>(number)); }
HWY_INLINE bool any(FloatMask mask) { return !hn::AllFalse(GroupTag(), mask); }
HWY_INLINE FloatMask has_sign(Floats values) {
  const hn::RebindToSigned<GroupTag> d;
  return hn::RebindMask(GroupTag(), hn::Lt(hn::BitCast(d, values), hn::Zero(d)));
}

/// Whole numbers, as bytes.
HWY_INLINE void store_levels(Floats levels, std::int8_t* to) {
  const hn::RebindToUnsigned<GroupTag> wide;
  // Added to a smaller number, 1.5 * 2^23 leaves that number in the lower bits.
  const auto bits = hn::BitCast(wide, hn::Add(levels, hn::Set(GroupTag(), 12582912.0F)));
#if HWY_TARGET == HWY_SCALAR
  *to = static_cast<std::int8_t>(hn::GetLane(bits));
#else
  const hn::Rebind<std::uint8_t, GroupTag> narrow;
  hn::StoreU(hn::TruncateTo(narrow, bits), narrow, reinterpret_cast<std::uint8_t*>(to));
#endif
}

struct Level {
  Floats level;
  FloatMask met;  ///< whether the element of this q equals the limit
};

/// The largest q in [-1, most] with value(q) <= limit, where value() rises, is exact in [0, most], and would be `limit`
/// within a twentieth of a step from `place`.
template <int most, class Value>
HWY_INLINE Level largest_within(const Value& value, Floats limit, Floats place) {
  const auto low = hn::Sub(place, hn::Set(GroupTag(), 0.1F));
  const auto before = hn::Floor(hn::Min(hn::Max(low, floats(-1)), floats(most - 1)));
  // It is this number or the next one, which it is if the two are equal.
  const auto q = hn::Add(before, floats(1)), element = value(q);
  return {hn::IfThenElse(hn::Le(element, limit), q, before), hn::Eq(element, limit)};
}

/// 1 / scale, or a large number for zero.
HWY_INLINE Floats inverse_of(Floats scale) {
  return hn::Div(floats(1), hn::Max(scale, hn::Set(GroupTag(), kLeastScale)));
}

/// The levels of groups with lows, whose numbers are 0 to kMost.
template <int kMost>
HWY_INLINE void find_levels_with_lows(const Batch& batch, float cutoff, float limit, const Extremes& extremes,
                                      Levels& levels) {
  const GroupTag d;
  const auto c = hn::Set(d, cutoff), zero = hn::Zero(d), last = floats(kMost);
  auto irregular = hn::MaskFromVec(zero), beyond = irregular, extends = irregular, zeros = irregular;
  for (std::size_t group = 0; group < kGroups; group += hn::Lanes(d)) {
    const auto scale = hn::Load(d, batch.scale + group), low = hn::Load(d, batch.low + group);
    const auto inverse = inverse_of(scale);
    // Products are exact, so this is rounded once.
    const auto value = [=](Floats q) HWY_ATTR { return hn::MulAdd(scale, q, low); };
    const auto within = [=](Floats x)
                            HWY_ATTR { return largest_within<kMost>(value, x, hn::Mul(hn::Sub(x, low), inverse)); };
    const Level high = within(c), below = within(hn::Neg(c)), at_most_zero = within(zero);
    store_levels(high.level, levels.high + group);
    store_levels(below.level, levels.low + group);
    zeros = hn::Or(zeros, at_most_zero.met);
    const auto all_zero = hn::And(hn::Eq(scale, zero), at_most_zero.met);
    const auto before = hn::IfThenElse(all_zero, floats(-1), hn::Sub(at_most_zero.level, floats(1)));
    store_levels(hn::IfThenElse(all_zero, last, at_most_zero.level), levels.zero + group);
    store_levels(hn::IfThenElse(at_most_zero.met, before, at_most_zero.level), levels.negative + group);
    const auto most = hn::Mul(scale, last), greatest = hn::Add(most, low);
    // Comparing with NaN is false.
    const auto exact = hn::Lt(hn::Add(most, hn::Abs(low)), hn::Set(d, batch.exact_below));
    const auto met = hn::Or(high.met, below.met);
    irregular = hn::Or(irregular, hn::Or(hn::Or(has_sign(scale), met), hn::Not(exact)));
    beyond = hn::Or(beyond, hn::Ge(hn::Max(hn::Abs(greatest), hn::Abs(low)), hn::Set(d, limit)));
    const auto outside = hn::Or(hn::Gt(greatest, hn::Set(d, extremes.top)), hn::Lt(low, hn::Set(d, extremes.bottom)));
    extends = hn::Or(extends, outside);
    if (extremes.nearest == 0) continue;
    const auto on_left = hn::Abs(value(hn::Max(at_most_zero.level, zero)));
    const auto on_right = hn::Abs(value(hn::Min(hn::Add(at_most_zero.level, floats(1)), last)));
    extends = hn::Or(extends, hn::Lt(hn::Min(on_left, on_right), hn::Set(d, extremes.nearest)));
  }
  levels.irregular = any(irregular) || cutoff < kLeastCutoff;
  levels.beyond = any(beyond);
  levels.extends = any(extends);
  levels.any_void = any(zeros);
}

/// Writes the largest |q| of groups without lows that are not beyond the extremes, or numbers a little below.
template <int kMost>
HWY_INLINE void find_extreme_levels(const Batch& batch, const Extremes& extremes, std::int8_t* to) {
  const GroupTag d;
  for (std::size_t group = 0; group < kGroups; group += hn::Lanes(d)) {
    const auto inverse = inverse_of(hn::Abs(hn::Load(d, batch.scale + group)));
    const auto place = hn::Sub(hn::Mul(hn::Set(d, extremes.smaller()), inverse), hn::Set(d, 0.6F));  // of the nearest
    store_levels(hn::Min(hn::Max(place, hn::Zero(d)), floats(kMost)), to + group);
  }
}

/// The levels of groups without lows, whose numbers are -kMost to kMost.
template <int kMost>
HWY_INLINE void find_levels(const Batch& batch, float cutoff, float limit, const Extremes& extremes, Levels& levels) {
  const GroupTag d;
  const auto c = hn::Set(d, cutoff), zero = hn::Zero(d), minus = floats(-1), last = floats(kMost);
  const auto smaller = hn::Set(d, extremes.smaller());
  auto irregular = hn::MaskFromVec(zero), beyond = irregular, extends = irregular, flips = irregular, is_void = flips;
  for (std::size_t group = 0; group < kGroups; group += hn::Lanes(d)) {
    const auto stored = hn::Load(d, batch.scale + group), scale = hn::Abs(stored), inverse = inverse_of(scale);
    const auto value = [=](Floats q) HWY_ATTR { return hn::Mul(scale, q); };
    const Level high = largest_within<kMost>(value, c, hn::Mul(c, inverse));
    const auto flipped = has_sign(stored), flat = hn::Eq(stored, zero);
    const auto flip = hn::IfThenElseZero(flipped, minus);
    store_levels(high.level, levels.magnitude + group);
    store_levels(hn::Add(high.level, flip), levels.high + group);
    store_levels(flip, levels.flips + group);
    store_levels(hn::IfThenElseZero(flat, minus), levels.void_scale + group);
    flips = hn::Or(flips, flipped);
    is_void = hn::Or(is_void, flat);
    const auto greatest = value(last);
    const auto is_small = hn::And(hn::Lt(scale, hn::Set(d, kLeastScale)), hn::Not(flat));
    const auto is_usual = hn::Lt(scale, hn::Set(d, 0x1p100F));  // which NaN is not
    irregular = hn::Or(irregular, hn::Or(hn::Or(is_small, hn::Not(is_usual)), high.met));
    beyond = hn::Or(beyond, hn::Ge(greatest, hn::Set(d, limit)));
    extends = hn::Or(extends, hn::Or(hn::Gt(greatest, smaller), hn::Lt(scale, hn::Set(d, extremes.nearest))));
  }
  levels.irregular = any(irregular) || cutoff < kLeastCutoff;
  levels.beyond = any(beyond);
  levels.extends = any(extends);
  levels.any_flips = any(flips);
  levels.any_void = any(is_void);
}

}  // namespace pare::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
