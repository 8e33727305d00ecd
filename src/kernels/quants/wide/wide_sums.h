// Sums of groups of quantized weights, as those of Fold in block_counts-inl.h. Only for wide_fold.cpp and
// plane_fold.cpp.
#pragma once

#include "kernels/moments.h"
#include "kernels/quants/wide/wide_blocks.h"

#if defined(__x86_64__)

namespace pare::kernels::wide {

/// The sums of sixteen groups.
struct Sums {
  __m512i sum, squares;
};

/// The lanes of MomentLanes.
struct Lanes {
  __m512d sum[2], squares[2];

  PARE_WIDE_INLINE void load(const MomentLanes& lanes) {
    for (int i = 0; i < 2; ++i) {
      sum[i] = _mm512_load_pd(lanes.sum + 8 * i);
      squares[i] = _mm512_load_pd(lanes.squares + 8 * i);
    }
  }
  PARE_WIDE_INLINE void store(MomentLanes& lanes) const {
    for (int i = 0; i < 2; ++i) {
      _mm512_store_pd(lanes.sum + 8 * i, sum[i]);
      _mm512_store_pd(lanes.squares + 8 * i, squares[i]);
    }
  }
};

/// Adds up the elements of groups of the size as Fold::add_sums() does.
template <int size, bool kLows>
PARE_WIDE_INLINE void add_sums(const Scales& groups, const Sums& sums, Lanes& lanes) {
  const __m256 scales[2] = {_mm512_castps512_ps256(groups.scale), _mm512_extractf32x8_ps(groups.scale, 1)};
  const __m256i sum[2] = {_mm512_castsi512_si256(sums.sum), _mm512_extracti64x4_epi64(sums.sum, 1)};
  const __m256i squares[2] = {_mm512_castsi512_si256(sums.squares), _mm512_extracti64x4_epi64(sums.squares, 1)};
  [[maybe_unused]] __m256 lows[2];
  if constexpr (kLows) {
    lows[0] = _mm512_castps512_ps256(groups.low);
    lows[1] = _mm512_extractf32x8_ps(groups.low, 1);
  }
#pragma GCC unroll 2
  for (int i = 0; i < 2; ++i) {
    const __m512d scale = _mm512_cvtps_pd(scales[i]), number = _mm512_cvtepi32_pd(sum[i]);
    const __m512d square = _mm512_cvtepi32_pd(squares[i]);
    if constexpr (kLows) {
      // All of this is exact, so the order does not matter.
      const __m512d low = _mm512_cvtps_pd(lows[i]), without = _mm512_mul_pd(scale, number);
      const __m512d total = _mm512_fmadd_pd(low, _mm512_set1_pd(size), without);
      const __m512d mixed = _mm512_mul_pd(low, _mm512_add_pd(total, without));
      lanes.sum[i] = _mm512_add_pd(lanes.sum[i], total);
      lanes.squares[i] = _mm512_add_pd(lanes.squares[i], _mm512_fmadd_pd(_mm512_mul_pd(scale, scale), square, mixed));
    } else {
      lanes.sum[i] = _mm512_fmadd_pd(scale, number, lanes.sum[i]);
      lanes.squares[i] = _mm512_fmadd_pd(_mm512_mul_pd(scale, scale), square, lanes.squares[i]);
    }
  }
}

}  // namespace pare::kernels::wide

#endif
