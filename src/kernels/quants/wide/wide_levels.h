// Limits of small integers, as block_levels-inl.h finds them, in each byte of a group's dword. Only for wide_fold.cpp
// and plane_fold.cpp.
#pragma once

#include "kernels/quants/wide/wide_blocks.h"

#if defined(__x86_64__)

#include <algorithm>
#include <bit>
#include <limits>

#include "kernels/quants/block_fold.h"
#include "kernels/quants/extremes.h"

namespace pare::kernels::wide {

/// What elements are compared with, besides the cutoff.
struct Bounds : Extremes {
  float cutoff, limit;
  float new_top, new_bottom, new_smaller;  ///< elements beyond may be extremes or reach the limit

  Bounds(const FoldCutoffs& cutoffs, const KeyRange& range)
      : Extremes(range), cutoff(std::bit_cast<float>(cutoffs.first)), limit(cutoffs.limit) {
    const float below_limit = limit > 0 ? std::bit_cast<float>(std::bit_cast<std::uint32_t>(limit) - 1) : -1;
    new_top = std::min(top, below_limit);
    new_bottom = std::max(bottom, -below_limit);
    new_smaller = std::min(smaller(), below_limit);
  }
};

/// Why a batch needs more than counts.
struct Findings {
  bool irregular = false;  ///< the elements have to be computed
  bool beyond = false;     ///< an element may reach the limit
  bool extends = false;    ///< an element may be a new extreme
};

PARE_WIDE_INLINE __m512 all(float number) { return _mm512_set1_ps(number); }
PARE_WIDE_INLINE __m512 magnitude_of(__m512 number) { return _mm512_abs_ps(number); }

/// Whole numbers from -128 to 127 in each byte of their dwords.
PARE_WIDE_INLINE __m512i in_bytes(__m512i numbers) {
  return _mm512_shuffle_epi8(numbers, _mm512_set4_epi32(0x0c0c0c0c, 0x08080808, 0x04040404, 0));
}
PARE_WIDE_INLINE __m512i in_bytes(__m512 numbers) { return in_bytes(_mm512_cvttps_epi32(numbers)); }

/// Nearly 1 / scale, or a large number for zero: to one part in 2^14, where a level is to be found within a twentieth.
PARE_WIDE_INLINE __m512 inverse_of(__m512 scale) { return _mm512_rcp14_ps(_mm512_max_ps(scale, all(kLeastScale))); }

/// The number that is largest_within() of block_levels-inl.h, or the one before.
template <int most>
PARE_WIDE_INLINE __m512 before_place(__m512 place) {
  const __m512 low = _mm512_sub_ps(place, all(0.1F));
  const __m512 bounded = _mm512_min_ps(_mm512_max_ps(low, all(-1)), all(static_cast<float>(most - 1)));
  return _mm512_roundscale_ps(bounded, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
}

/// Limits of groups without lows.
struct Limits {
  __m512i magnitude;          ///< largest |q| whose element is at most the cutoff; not set if `below`
  __m512i flip;               ///< -1 where the scale is negative
  __m512i counted;            ///< 0 where the scale is zero, else -1
  bool any_flips, any_zeros;  ///< a scale is negative, or zero
  bool below;                 ///< no magnitude reaches the cutoff
  bool usual;                 ///< examine() would find nothing
};

/// What of find_limits() depends on the cutoff. Returns where no element equals it.
template <int most>
PARE_WIDE_INLINE __mmask16 find_magnitude(__m512 scale, const Bounds& bounds, Limits& limits) {
  const __m512 cutoff = all(bounds.cutoff);
  const __m512 before = before_place<most>(_mm512_mul_ps(cutoff, inverse_of(scale)));
  const __m512 q = _mm512_add_ps(before, all(1)), element = _mm512_mul_ps(scale, q);
  const __mmask16 is_within = _mm512_cmp_ps_mask(element, cutoff, _CMP_LE_OQ);
  limits.magnitude = in_bytes(_mm512_mask_blend_ps(is_within, before, q));
  return _mm512_cmp_ps_mask(element, cutoff, _CMP_NEQ_UQ);
}

template <int most>
PARE_WIDE_INLINE void find_limits(const Scales& scales, const Bounds& bounds, Limits& limits) {
  const __m512 scale = magnitude_of(scales.scale), greatest = _mm512_mul_ps(scale, all(static_cast<float>(most)));
  const __mmask16 flips = _mm512_movepi32_mask(_mm512_castps_si512(scales.scale));
  const __mmask16 zeros = _mm512_testn_epi32_mask(_mm512_castps_si512(scale), _mm512_castps_si512(scale));
  limits.flip = _mm512_movm_epi32(flips);
  limits.counted = _mm512_movm_epi32(static_cast<__mmask16>(~zeros));
  limits.any_flips = flips != 0;
  limits.any_zeros = zeros != 0;
  // As unsigned numbers, the patterns of zero, of smaller and of larger scales, and of NaN are beyond.
  constexpr auto kFirst = std::bit_cast<int>(kLeastScale), kSpan = std::bit_cast<int>(0x1p100F) - kFirst;
  const __m512i pattern = _mm512_sub_epi32(_mm512_castps_si512(scale), _mm512_set1_epi32(kFirst));
  const __mmask16 in_span = _mm512_cmplt_epu32_mask(pattern, _mm512_set1_epi32(kSpan)) | zeros;
  __mmask16 within = _mm512_cmp_ps_mask(greatest, all(bounds.new_smaller), _CMP_LE_OQ);
  limits.below = _mm512_cmp_ps_mask(greatest, all(bounds.cutoff), _CMP_LT_OQ) == 0xffff;
  if (!limits.below) within &= find_magnitude<most>(scale, bounds, limits);
  // Until one is found, any number may be zero.
  limits.usual = bounds.nearest == 0 && (in_span & within) == 0xffff;
}

template <int most>
PARE_WIDE Findings examine(const Scales& scales, const Limits&, const Bounds& bounds) {
  const __m512 scale = magnitude_of(scales.scale), cutoff = all(bounds.cutoff), zero = _mm512_setzero_ps();
  const __m512 q = _mm512_add_ps(before_place<most>(_mm512_mul_ps(cutoff, inverse_of(scale))), all(1));
  const __mmask16 is_zero = _mm512_cmp_ps_mask(scale, zero, _CMP_EQ_OQ);
  const __mmask16 is_least = _mm512_cmp_ps_mask(scale, all(kLeastScale), _CMP_GE_OQ);
  const __mmask16 is_usual = _mm512_mask_cmp_ps_mask(is_zero | is_least, scale, all(0x1p100F), _CMP_LT_OQ);
  const __mmask16 met = _mm512_cmp_ps_mask(_mm512_mul_ps(scale, q), cutoff, _CMP_EQ_OQ);
  const __m512 greatest = _mm512_mul_ps(scale, all(static_cast<float>(most)));
  const __mmask16 beyond = _mm512_cmp_ps_mask(greatest, all(bounds.limit), _CMP_GE_OQ);
  const __mmask16 outside = _mm512_cmp_ps_mask(greatest, all(bounds.smaller()), _CMP_GT_OQ);
  return {met != 0 || is_usual != 0xffff, beyond != 0, outside != 0 || bounds.nearest != 0};
}

/// Limits of groups with lows.
struct LowLimits {
  __m512i high, low, negative, zero;  ///< see Levels; the first two not set if `below`
  bool any_zeros;                     ///< an element is zero
  bool below;                         ///< no magnitude reaches the cutoff
  bool regular;                       ///< the elements need not be computed
  bool usual;                         ///< examine() would find nothing
};

struct Level {
  __m512 level;
  __mmask16 met;
};

/// largest_within() of block_levels-inl.h.
template <int most>
PARE_WIDE_INLINE Level largest_within(const Scales& scales, __m512 inverse, __m512 limit) {
  const __m512 before = before_place<most>(_mm512_mul_ps(_mm512_sub_ps(limit, scales.low), inverse));
  const __m512 q = _mm512_add_ps(before, all(1)), element = _mm512_fmadd_ps(scales.scale, q, scales.low);
  const __mmask16 is_within = _mm512_cmp_ps_mask(element, limit, _CMP_LE_OQ);
  return {_mm512_mask_blend_ps(is_within, before, q), _mm512_cmp_ps_mask(element, limit, _CMP_EQ_OQ)};
}

/// Sets whether the elements of groups with lows need not be computed, and whether none may be a new extreme.
template <int most>
PARE_WIDE_INLINE void find_usual(const Scales& scales, __mmask16 met, __m512 at_most_zero, const Bounds& bounds,
                                 LowLimits& limits) {
  const __m512 scale = scales.scale, low = scales.low, last = all(static_cast<float>(most));
  const __m512 most_added = _mm512_mul_ps(scale, last), greatest = _mm512_add_ps(most_added, low);
  const __m512 largest_sum = _mm512_add_ps(most_added, magnitude_of(low));
  __mmask16 regular = _mm512_cmp_ps_mask(largest_sum, scales.exact_below, _CMP_LT_OQ);
  regular = _mm512_mask_cmpge_epi32_mask(regular, _mm512_castps_si512(scale), _mm512_setzero_si512());
  __mmask16 within = _mm512_cmp_ps_mask(greatest, all(bounds.new_top), _CMP_LE_OQ);
  within = _mm512_mask_cmp_ps_mask(within, low, all(bounds.new_bottom), _CMP_GE_OQ);
  regular &= static_cast<__mmask16>(~met);
  limits.regular = regular == 0xffff;
  if (bounds.nearest != 0) {
    const __m512 left = _mm512_fmadd_ps(scale, _mm512_max_ps(at_most_zero, _mm512_setzero_ps()), low);
    const __m512 right = _mm512_fmadd_ps(scale, _mm512_min_ps(_mm512_add_ps(at_most_zero, all(1)), last), low);
    const __m512 nearest = _mm512_min_ps(magnitude_of(left), magnitude_of(right));
    within = _mm512_mask_cmp_ps_mask(within, nearest, all(bounds.nearest), _CMP_GE_OQ);
  }
  limits.usual = (regular & within) == 0xffff;
}

template <int most>
PARE_WIDE_INLINE void find_limits(const Scales& scales, const Bounds& bounds, LowLimits& limits) {
  const __m512 zero = _mm512_setzero_ps(), inverse = inverse_of(scales.scale), last = all(static_cast<float>(most));
  const Level at_most_zero = largest_within<most>(scales, inverse, zero);
  limits.any_zeros = at_most_zero.met != 0;
  const __mmask16 all_zero = _mm512_mask_cmp_ps_mask(at_most_zero.met, scales.scale, zero, _CMP_EQ_OQ);
  const __m512 before = _mm512_mask_sub_ps(at_most_zero.level, at_most_zero.met, at_most_zero.level, all(1));
  limits.zero = in_bytes(_mm512_mask_blend_ps(all_zero, at_most_zero.level, last));
  limits.negative = in_bytes(_mm512_mask_blend_ps(all_zero, before, all(-1)));
  const __m512 greatest = _mm512_fmadd_ps(scales.scale, last, scales.low);
  __mmask16 below = _mm512_cmp_ps_mask(greatest, all(bounds.cutoff), _CMP_LT_OQ), met = 0;
  below = _mm512_mask_cmp_ps_mask(below, scales.low, all(-bounds.cutoff), _CMP_GT_OQ);
  limits.below = below == 0xffff;
  if (!limits.below) {
    const Level high = largest_within<most>(scales, inverse, all(bounds.cutoff));
    const Level low = largest_within<most>(scales, inverse, all(-bounds.cutoff));
    limits.high = in_bytes(high.level);
    limits.low = in_bytes(low.level);
    met = high.met | low.met;
  }
  find_usual<most>(scales, met, at_most_zero.level, bounds, limits);
}

template <int most>
PARE_WIDE Findings examine(const Scales& scales, const LowLimits& limits, const Bounds& bounds) {
  const __m512 most_added = _mm512_mul_ps(scales.scale, all(static_cast<float>(most)));
  const __m512 greatest = magnitude_of(_mm512_add_ps(most_added, scales.low));
  const __m512 largest = _mm512_max_ps(greatest, magnitude_of(scales.low));
  return {!limits.regular, _mm512_cmp_ps_mask(largest, all(bounds.limit), _CMP_GE_OQ) != 0, true};
}

}  // namespace pare::kernels::wide

#endif
