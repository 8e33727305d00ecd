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

#include "kernels/magnitude.h"
#include "kernels/quants/block_layouts-inl.h"

HWY_BEFORE_NAMESPACE();
namespace pare::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr std::size_t kBatch = 256, kGroups = 16, kGroupSize = kBatch / kGroups;  // elements

/// Blocks of 256 elements, as groups of 16. Scales are not negative once the levels are found; where the blocks have a
/// negative one, the numbers of the group are negated instead (`flipped` is -1).
struct Batch {
  alignas(64) std::int8_t q[kBatch];
  alignas(64) float scale[kGroups], low[kGroups];
  alignas(16) std::int8_t flipped[kGroups];
  alignas(16) std::int8_t void_scale[kGroups];  ///< -1 where the scale is zero
  bool special = false;                         ///< some group is flipped or has a scale of zero
  float exact_below = 0;                        ///< if the sum of |scale * q| and |low| is below, it is exact in F32
};

/// What of a group says which elements it has: those with q > high exceed the cutoff, and so on.
struct Levels {
  alignas(16) std::int8_t high[kGroups];      ///< largest q whose element is at most the cutoff
  alignas(16) std::int8_t low[kGroups];       ///< largest q whose element is below -cutoff
  alignas(16) std::int8_t negative[kGroups];  ///< largest q whose element is below zero
  alignas(16) std::int8_t zero[kGroups];      ///< largest q whose element is at most zero
  bool beyond = false;                        ///< an element may reach the limit
  bool irregular = false;                     ///< the elements have to be computed
  bool extends = false;                       ///< an element may be a new extreme
};

/// The extremes so far as numbers.
struct Extremes {
  float top = -1, bottom = 0, nearest = 0;

  explicit Extremes(const KeyRange& range) {
    const auto number = [](std::uint64_t pattern) { return std::bit_cast<float>(static_cast<std::uint32_t>(pattern)); };
    constexpr std::uint64_t kSign = 0x80000000;
    if (range.any_positive) top = number(range.max_positive);
    if ((range.max_unsigned & kSign) != 0) bottom = number(range.max_unsigned);
    nearest = range.min_key >= kSign ? std::bit_cast<float>(0x7f800000U) : number(range.min_key);
  }
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
  constexpr std::size_t kParts = B::kElements / B::kGroup;
  float scales[kGroups], lows[kGroups];
  for (std::size_t i = 0; i < kBatch / B::kElements; ++i, block += B::kBytes) {
    B::unpack(block, {batch.q + i * B::kElements, scales + i * kParts, lows + i * kParts});
    if constexpr (B::kLows) {
      const float below = exact_below(block + B::kScaleAt, block + B::kLowAt);
      batch.exact_below = i == 0 ? below : std::min(batch.exact_below, below);
    }
  }
  for (std::size_t group = 0; group < kGroups; ++group) {
    batch.scale[group] = scales[group * kGroupSize / B::kGroup];
    if constexpr (B::kLows) batch.low[group] = lows[group * kGroupSize / B::kGroup];
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

HWY_INLINE void store_levels(Floats levels, std::int8_t* to) {
  const hn::Rebind<std::int8_t, GroupTag> narrow;
  const hn::Rebind<std::int32_t, GroupTag> wide;
  hn::StoreU(hn::DemoteTo(narrow, hn::ConvertTo(wide, levels)), narrow, to);
}

struct Level {
  Floats level;
  FloatMask met;  ///< whether the element of this q equals the limit
};

/// The largest q in [least - 1, most] with value(q) <= limit, where value() rises, is exact in [least, most], and is
/// about `limit` at `guess`.
template <int least, int most, class Value>
HWY_INLINE Level largest_within(const Value& value, Floats limit, Floats guess) {
  const GroupTag d;
  const hn::Rebind<std::int32_t, GroupTag> wide;
  const auto one = floats(1), first = floats(least), last = floats(most);
  auto q = hn::ConvertTo(d, hn::ConvertTo(wide, hn::Min(hn::Max(guess, floats(least - 1)), last)));
  q = hn::IfThenElse(hn::And(hn::Ge(q, first), hn::Gt(value(q), limit)), hn::Sub(q, one), q);
  const auto next = hn::Min(hn::Add(q, one), last);
  q = hn::IfThenElse(hn::Le(value(next), limit), next, q);
  return {q, hn::And(hn::Ge(q, first), hn::Eq(value(q), limit))};
}

/// The levels of groups with lows, whose numbers are 0 to kMost.
template <int kMost>
HWY_INLINE void find_levels_with_lows(const Batch& batch, float cutoff, float limit, const Extremes& extremes,
                                      Levels& levels) {
  const GroupTag d;
  const auto c = hn::Set(d, cutoff), zero = hn::Zero(d), last = floats(kMost);
  auto irregular = hn::MaskFromVec(zero), beyond = irregular, extends = irregular;
  for (std::size_t group = 0; group < kGroups; group += hn::Lanes(d)) {
    const auto scale = hn::Load(d, batch.scale + group), low = hn::Load(d, batch.low + group);
    const auto flat = hn::Eq(scale, zero);
    const auto inverse = hn::Div(floats(1), scale);
    const auto value = [=](Floats q) HWY_ATTR { return hn::Add(hn::Mul(scale, q), low); };
    const auto within = [=](Floats x) HWY_ATTR {
      const auto guess = hn::IfThenElse(hn::And(flat, hn::Ge(x, low)), last, hn::Mul(hn::Sub(x, low), inverse));
      return largest_within<0, kMost>(value, x, guess);
    };
    const Level high = within(c), below = within(hn::Neg(c)), at_most_zero = within(zero);
    store_levels(high.level, levels.high + group);
    store_levels(below.level, levels.low + group);
    store_levels(at_most_zero.level, levels.zero + group);
    const auto before = hn::IfThenElse(flat, floats(-1), hn::Sub(at_most_zero.level, floats(1)));
    store_levels(hn::IfThenElse(at_most_zero.met, before, at_most_zero.level), levels.negative + group);
    const auto most = hn::Mul(scale, last), greatest = hn::Add(most, low);
    // Comparing with NaN is false.
    const auto exact = hn::Lt(hn::Add(most, hn::Abs(low)), hn::Set(d, batch.exact_below));
    irregular = hn::Or(hn::Or(irregular, has_sign(scale)), hn::Or(hn::Not(exact), hn::Or(high.met, below.met)));
    beyond = hn::Or(beyond, hn::Ge(hn::Max(hn::Abs(greatest), hn::Abs(low)), hn::Set(d, limit)));
    const auto on_left = hn::Abs(value(hn::Max(at_most_zero.level, zero)));
    const auto on_right = hn::Abs(value(hn::Min(hn::Add(at_most_zero.level, floats(1)), last)));
    const auto outside = hn::Or(hn::Gt(greatest, hn::Set(d, extremes.top)), hn::Lt(low, hn::Set(d, extremes.bottom)));
    extends = hn::Or(extends, hn::Or(outside, hn::Lt(hn::Min(on_left, on_right), hn::Set(d, extremes.nearest))));
  }
  levels.irregular = any(irregular);
  levels.beyond = any(beyond);
  levels.extends = any(extends);
}

/// The levels of groups without lows, whose numbers are -kMost to kMost: only `high`. Makes the scales positive.
template <int kMost>
HWY_INLINE void find_levels(Batch& batch, float cutoff, float limit, const Extremes& extremes, Levels& levels) {
  const GroupTag d;
  const auto c = hn::Set(d, cutoff), zero = hn::Zero(d), minus = floats(-1);
  const float smaller = std::min(extremes.top, -extremes.bottom);  // of the extremes in magnitude
  auto irregular = hn::MaskFromVec(zero), beyond = irregular, extends = irregular, special = irregular;
  for (std::size_t group = 0; group < kGroups; group += hn::Lanes(d)) {
    const auto stored = hn::Load(d, batch.scale + group), scale = hn::Abs(stored);
    const auto value = [=](Floats q) HWY_ATTR { return hn::Mul(scale, q); };
    const Level high = largest_within<0, kMost>(value, c, hn::Div(c, scale));
    store_levels(high.level, levels.high + group);
    const auto flipped = has_sign(stored), flat = hn::Eq(stored, zero);
    special = hn::Or(special, hn::Or(flipped, flat));
    store_levels(hn::IfThenElseZero(flipped, minus), batch.flipped + group);
    store_levels(hn::IfThenElseZero(flat, minus), batch.void_scale + group);
    hn::Store(scale, d, batch.scale + group);
    const auto greatest = value(floats(kMost));
    irregular = hn::Or(irregular, hn::Or(hn::Not(hn::Lt(scale, hn::Set(d, 0x1p100F))), high.met));
    beyond = hn::Or(beyond, hn::Ge(greatest, hn::Set(d, limit)));
    extends =
        hn::Or(extends, hn::Or(hn::Gt(greatest, hn::Set(d, smaller)), hn::Lt(scale, hn::Set(d, extremes.nearest))));
  }
  levels.irregular = any(irregular);
  levels.beyond = any(beyond);
  levels.extends = any(extends);
  batch.special = any(special);
}

}  // namespace pare::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
