#include "kernels/quants/wide/wide_fold.h"

#include "kernels/quants/scan_values.h"
#include "kernels/quants/wide/plane_fold.h"
#include "kernels/quants/wide/wide_levels.h"
#include "kernels/quants/wide/wide_sums.h"

#if defined(__x86_64__)

namespace pare::kernels {
namespace wide {
namespace {

/// Counts of the elements in each byte, which are added up before one overflows.
class Counts {
 public:
  PARE_WIDE_INLINE Counts() { clear(); }

  PARE_WIDE_INLINE void above(__mmask64 mask) { above_ = plus_one(mask, above_); }
  PARE_WIDE_INLINE void high(__mmask64 mask) { high_ = plus_one(mask, high_); }
  PARE_WIDE_INLINE void negative(__mmask64 mask) { negative_ = plus_one(mask, negative_); }
  PARE_WIDE_INLINE void zeros(__mmask64 mask) { zeros_ = plus_one(mask, zeros_); }
  PARE_WIDE_INLINE void negative_zeros(__mmask64 mask) { negative_zeros_ = plus_one(mask, negative_zeros_); }
  /// With lows, the others are counted: `above` is of those beyond the cutoff on the left.
  PARE_WIDE_INLINE void not_low(__mmask64 mask) { above(mask); }
  PARE_WIDE_INLINE void not_negative(__mmask64 mask) { negative(mask); }

  /// After `vectors` more were counted, and of blocks with lows, compared with the cutoff.
  PARE_WIDE_INLINE void counted(unsigned vectors) {
    since_ += vectors;
    elements_ += 64 * vectors;
    if (since_ + vectors > 255) flush();
  }
  PARE_WIDE_INLINE void compared(unsigned vectors) { compared_ += 64 * vectors; }

  /// Adds everything.
  PARE_WIDE_INLINE void finish(bool lows, BlockScan& scan) {
    flush();
    const std::uint64_t negative = lows ? elements_ - total_[2] : total_[2], high = total_[1];
    scan.range.above += lows ? compared_ - total_[0] + high : total_[0];
    scan.range.negative += negative;
    scan.range.inside += elements_ - negative - high;
    scan.zeros += total_[3];
    scan.negative_zeros += total_[4];
  }

 private:
  static PARE_WIDE_INLINE __m512i plus_one(__mmask64 mask, __m512i counts) {
    return _mm512_mask_sub_epi8(counts, mask, counts, all_bytes(-1));
  }
  static PARE_WIDE_INLINE std::uint64_t added(__m512i counts) {
    return static_cast<std::uint64_t>(_mm512_reduce_add_epi64(_mm512_sad_epu8(counts, _mm512_setzero_si512())));
  }
  PARE_WIDE_INLINE void clear() {
    above_ = high_ = negative_ = zeros_ = negative_zeros_ = _mm512_setzero_si512();
    since_ = 0;
  }
  PARE_WIDE_INLINE void flush() {
    total_[0] += added(above_);
    total_[1] += added(high_);
    total_[2] += added(negative_);
    total_[3] += added(zeros_);
    total_[4] += added(negative_zeros_);
    clear();
  }

  __m512i above_, high_, negative_, zeros_, negative_zeros_;
  unsigned since_ = 0;
  std::uint64_t elements_ = 0, compared_ = 0, total_[5] = {};
};

/// What is collected of all blocks, in registers.
struct Collected {
  // NOLINTNEXTLINE: GCC compiles a defaulted one for another instruction set
  PARE_WIDE_INLINE Collected() { least = _mm512_setzero_si512(); }

  Counts counts;
  Lanes lanes;
  __m512i least;  ///< the least numbers, where -128 is possible
};

/// Counts numbers without lows. kGeneral if a scale may be negative or zero, kCompared if an element may reach the
/// cutoff.
template <bool kGeneral, bool kCompared, int n>
PARE_WIDE_INLINE Sums sweep(const __m512i (&numbers)[n], const Limits& limits, Collected& all) {
  const __m512i zero = _mm512_setzero_si512(), one = all_bytes(1);
  const __m512i high = kGeneral ? _mm512_add_epi8(limits.magnitude, limits.flip) : limits.magnitude;
  Sums sums{zero, zero};
#pragma GCC unroll 8
  for (int k = 0; k < n; ++k) {
    const __m512i q = numbers[k], magnitude = _mm512_abs_epi8(q);
    const __m512i rising = kGeneral ? _mm512_xor_si512(q, limits.flip) : q;
    const __mmask64 is_negative = _mm512_movepi8_mask(rising);
    const __mmask64 is_zero = _mm512_testn_epi8_mask(q, kGeneral ? limits.counted : q);
    if constexpr (kCompared) {
      all.counts.above(_mm512_cmpgt_epi8_mask(magnitude, limits.magnitude));
      all.counts.high(_mm512_cmpgt_epi8_mask(rising, high));
    }
    all.counts.negative(is_negative);
    all.counts.zeros(is_zero);
    if constexpr (kGeneral) all.counts.negative_zeros(is_zero & is_negative);
    if constexpr (n == 8) all.least = _mm512_min_epi8(all.least, q);
    sums.sum = _mm512_dpbusd_epi32(sums.sum, one, q);
    sums.squares = _mm512_dpbusd_epi32(sums.squares, magnitude, magnitude);
  }
  all.counts.counted(n);
  return sums;
}

/// The same with lows. kZeros if an element may be zero.
template <bool kZeros, bool kCompared, int n>
PARE_WIDE_INLINE Sums sweep(const __m512i (&numbers)[n], const LowLimits& limits, Collected& all) {
  const __m512i one = all_bytes(1);
  Sums sums{_mm512_setzero_si512(), _mm512_setzero_si512()};
#pragma GCC unroll 8
  for (int k = 0; k < n; ++k) {
    const __m512i q = numbers[k];
    const __mmask64 from_zero = _mm512_cmpgt_epi8_mask(q, limits.negative);
    if constexpr (kCompared) {
      all.counts.high(_mm512_cmpgt_epi8_mask(q, limits.high));
      all.counts.not_low(_mm512_cmpgt_epi8_mask(q, limits.low));
    }
    all.counts.not_negative(from_zero);
    if constexpr (kZeros) all.counts.zeros(_mm512_mask_cmple_epi8_mask(from_zero, q, limits.zero));
    sums.sum = _mm512_dpbusd_epi32(sums.sum, q, one);
    sums.squares = _mm512_dpbusd_epi32(sums.squares, q, q);
  }
  all.counts.counted(n);
  if constexpr (kCompared) all.counts.compared(n);
  return sums;
}

template <int n>
PARE_WIDE_INLINE Sums sweep_all(const __m512i (&numbers)[n], const LowLimits& limits, Collected& all) {
  if (limits.below)
    return limits.any_zeros ? sweep<true, false>(numbers, limits, all) : sweep<false, false>(numbers, limits, all);
  return limits.any_zeros ? sweep<true, true>(numbers, limits, all) : sweep<false, true>(numbers, limits, all);
}
template <int n>
PARE_WIDE_INLINE Sums sweep_all(const __m512i (&numbers)[n], const Limits& limits, Collected& all) {
  // Q6_K has scales of either sign.
  const bool is_general = n == 4 || limits.any_flips || limits.any_zeros;
  if (limits.below)
    return is_general ? sweep<true, false>(numbers, limits, all) : sweep<false, false>(numbers, limits, all);
  return is_general ? sweep<true, true>(numbers, limits, all) : sweep<false, true>(numbers, limits, all);
}

template <int most, int n>
PARE_WIDE_INLINE bool may_extend(const __m512i (&)[n], const Scales&, const LowLimits&, const Bounds&) {
  return true;
}
/// Whether numbers without lows may have a new extreme, now that one of their scales is large enough.
template <int most, int n>
PARE_WIDE_INLINE bool may_extend(const __m512i (&numbers)[n], const Scales& scales, const Limits&,
                                 const Bounds& bounds) {
  if (bounds.nearest != 0 || bounds.smaller() <= 0) return true;  // otherwise a zero may be one
  const __m512 place = _mm512_mul_ps(all(bounds.smaller()), inverse_of(magnitude_of(scales.scale)));
  const __m512 before = _mm512_max_ps(_mm512_sub_ps(place, all(0.6F)), _mm512_setzero_ps());
  const __m512i within = in_bytes(_mm512_min_ps(before, all(static_cast<float>(most))));
  __mmask64 beyond = 0;
  for (const __m512i& q : numbers) beyond |= _mm512_cmpgt_epi8_mask(_mm512_abs_epi8(q), within);
  return beyond != 0;
}

/// Folds the blocks of one type.
template <class B>
class Fold {
  static constexpr std::size_t kBytes = B::kBlocks * B::kBytes;
  static constexpr std::size_t kStages = 8;
  using LimitsOf = std::conditional_t<B::kLows, LowLimits, Limits>;

 public:
  PARE_WIDE Fold(BlockType type, const FoldCutoffs& cutoffs, BlockScan& scan, MomentLanes& moments)
      : type_(type), cutoffs_(cutoffs), scan_(scan), moments_(moments), bounds_(cutoffs, scan.range) {}

  PARE_WIDE bool add(const std::uint8_t* block, std::size_t count) {
    Collected all;
    all.lanes.load(moments_);
    while (count >= B::kBlocks) {
      // The limits of some batches, first: each takes long, but none waits for another.
      const std::size_t batches = std::min(kStages, count / B::kBlocks);
      for (std::size_t i = 0; i < batches; ++i) {
        fetch_ahead(block + i * kBytes, kBytes);
        B::scales(block + i * kBytes, scales_[i]);
        find_limits<B::kMost>(scales_[i], bounds_, limits_[i]);
      }
      for (std::size_t i = 0; i < batches; ++i, block += kBytes)
        if (!add_batch(block, scales_[i], limits_[i], all)) return false;
      count -= batches * B::kBlocks;
    }
    all.lanes.store(moments_);
    if (count != 0 && !scan_values(type_, block, count, cutoffs_, scan_, moments_)) return false;
    all.counts.finish(B::kLows, scan_);
    return B::kMost != 127 || _mm512_cmpeq_epi8_mask(all.least, all_bytes(-128)) == 0;
  }

 private:
  PARE_WIDE_INLINE bool add_batch(const std::uint8_t* block, const Scales& scales, const LimitsOf& limits,
                                  Collected& all) {
    Findings found;
    if (!limits.usual) found = examine<B::kMost>(scales, limits, bounds_);
    if (found.irregular) {
      all.lanes.store(moments_);
      if (!scan_values(type_, block, B::kBlocks, cutoffs_, scan_, moments_)) return false;
      all.lanes.load(moments_);
      bounds_ = Bounds(cutoffs_, scan_.range);
      return true;
    }
    if (found.beyond) return false;
    Numbers<B::kGroup / 4> numbers;
    B::numbers(block, numbers);
    add_sums<B::kGroup, B::kLows>(scales, sweep_all(numbers, limits, all), all.lanes);
    if (found.extends && may_extend<B::kMost>(numbers, scales, limits, bounds_)) {
      extend_range(type_, block, B::kBlocks, scan_.range);
      bounds_ = Bounds(cutoffs_, scan_.range);
    }
    return true;
  }

  BlockType type_;
  const FoldCutoffs& cutoffs_;
  BlockScan& scan_;
  MomentLanes& moments_;
  Bounds bounds_;
  Scales scales_[kStages];
  LimitsOf limits_[kStages];
};

template <class B>
PARE_WIDE bool fold(BlockType type, const std::uint8_t* blocks, std::size_t count, const FoldCutoffs& cutoffs,
                    BlockScan& scan, MomentLanes& moments) {
  return Fold<B>(type, cutoffs, scan, moments).add(blocks, count);
}

}  // namespace
}  // namespace wide

std::optional<bool> fold_blocks_wide(BlockType type, const std::byte* blocks, std::size_t count,
                                     const FoldCutoffs& cutoffs, BlockScan& scan, MomentLanes& lanes) {
  const auto* first = reinterpret_cast<const std::uint8_t*>(blocks);
  if (std::bit_cast<float>(cutoffs.first) < kLeastCutoff) return std::nullopt;
  switch (type) {
    case BlockType::kQ8_0:
      return wide::fold<wide::Q8_0>(type, first, count, cutoffs, scan, lanes);
    case BlockType::kQ2_K:
    case BlockType::kQ3_K:
      return wide::fold_planes(type, first, count, cutoffs, scan, lanes);
    case BlockType::kQ4_K:
      return wide::fold<wide::Q4_K>(type, first, count, cutoffs, scan, lanes);
    case BlockType::kQ5_K:
      return wide::fold<wide::Q5_K>(type, first, count, cutoffs, scan, lanes);
    case BlockType::kQ6_K:
      return wide::fold<wide::Q6_K>(type, first, count, cutoffs, scan, lanes);
    default:
      return std::nullopt;
  }
}

}  // namespace pare::kernels

#else

namespace pare::kernels {
std::optional<bool> fold_blocks_wide(BlockType, const std::byte*, std::size_t, const FoldCutoffs&, BlockScan&,
                                     MomentLanes&) {
  return std::nullopt;
}
}  // namespace pare::kernels

#endif
