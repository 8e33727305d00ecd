// The numbers of a block become planes: a word for each of sixteen groups has one bit of its sixteen numbers. How many
// numbers of a group have a value is then a count of bits, and a value is compared with the cutoff once for all of
// them.
#include "kernels/quants/wide/plane_fold.h"

#include "kernels/quants/scan_values.h"
#include "kernels/quants/wide/wide_levels.h"
#include "kernels/quants/wide/wide_sums.h"

#if defined(__x86_64__)

namespace pare::kernels::wide {
namespace {

/// Where planes have the words of groups: words 0 to 15 of bit 0, then those of bit 1, of 2-bit numbers in 64 bytes.
constexpr Bytes kPairs = [] {
  Bytes table{};
  for (unsigned bit = 0; bit < 2; ++bit)
    for (unsigned group = 0; group < kGroups; ++group)
      for (unsigned byte = 0; byte < 2; ++byte)
        table.at[bit * 32 + group * 2 + byte] =
            static_cast<std::uint8_t>(place_of(group) * 4 + 2 * part_of(group) + bit + 8 * byte);
  return table;
}();
/// The same of single bits in 32 bytes: bits 0 to 3 of each are of the first half.
constexpr Bytes kSingle = [] {
  Bytes table{};
  for (unsigned group = 0; group < kGroups; ++group)
    for (unsigned byte = 0; byte < 2; ++byte)
      table.at[group * 2 + byte] =
          static_cast<std::uint8_t>(group % 2 * 16 + 4 * half_of(group) + part_of(group) + 8 * byte);
  return table;
}();

constexpr long long kEachBit = static_cast<long long>(0x8040201008040201);

/// Bits of 2-bit numbers: b0 and b1 as words.
struct Pairs {
  __m512i both;
  __m256i b0, b1;
};
PARE_WIDE_INLINE Pairs pairs_at(const std::uint8_t* bytes) {
  // Byte j of eight becomes bits j of all eight.
  const __m512i bits = _mm512_gf2p8affine_epi64_epi8(_mm512_set1_epi64(kEachBit), load_block(bytes), 0);
  const __m512i both = _mm512_permutexvar_epi8(load(kPairs), bits);
  return {both, _mm512_castsi512_si256(both), _mm512_extracti64x4_epi64(both, 1)};
}
PARE_WIDE_INLINE __m256i single_bits_at(const std::uint8_t* bytes) {
  const __m256i bits = _mm256_gf2p8affine_epi64_epi8(_mm256_set1_epi64x(kEachBit), load_32(bytes), 0);
  return _mm256_permutexvar_epi8(_mm512_castsi512_si256(load(kSingle)), bits);
}

PARE_WIDE_INLINE __m256i add(__m256i a, __m256i b) { return _mm256_add_epi16(a, b); }
PARE_WIDE_INLINE __m256i subtract(__m256i a, __m256i b) { return _mm256_sub_epi16(a, b); }
PARE_WIDE_INLINE __m256i add_if(__mmask16 mask, __m256i count, __m256i total) {
  return _mm256_mask_add_epi16(total, mask, total, count);
}
PARE_WIDE_INLINE __m256i ones(__m256i word) { return _mm256_popcnt_epi16(word); }
PARE_WIDE_INLINE __mmask16 exceeds(__m512 value, __m512 limit) { return _mm512_cmp_ps_mask(value, limit, _CMP_GT_OQ); }

/// Counts for each group, of at most 4,095 blocks.
struct WordCounts {
  // NOLINTNEXTLINE: GCC compiles a defaulted one for another instruction set
  PARE_WIDE_INLINE WordCounts() { above = high = negative = zeros = negative_zeros = _mm256_setzero_si256(); }
  static PARE_WIDE std::uint64_t added(__m256i counts) {
    const __m512i wide = _mm512_cvtepu16_epi32(counts);
    return static_cast<std::uint64_t>(_mm512_reduce_add_epi32(wide));
  }
  PARE_WIDE void finish(std::uint64_t elements, BlockScan& scan) const {
    const std::uint64_t below = added(negative), exceeding = added(high);
    scan.range.above += added(above);
    scan.range.negative += below;
    scan.range.inside += elements - below - exceeding;
    scan.zeros += added(zeros);
    scan.negative_zeros += added(negative_zeros);
  }

  __m256i above, high, negative, zeros, negative_zeros;
};

struct Q2_K {
  static constexpr std::size_t kBytes = 84;
  static constexpr bool kLows = true;
  static constexpr int kMost = 3;

  static PARE_WIDE_INLINE void scales(const std::uint8_t* block, Scales& to) {
    const __m128i bytes = load_16(block), four = _mm_set1_epi8(15);
    const __m512i scale = _mm512_cvtepu8_epi32(_mm_and_si128(bytes, four));
    const __m512i low = _mm512_cvtepu8_epi32(_mm_and_si128(_mm_srli_epi16(bytes, 4), four));
    const __m512 halves = _mm512_cvtph_ps(_mm256_set1_epi32(number_at<std::int32_t>(block + 80)));
    to.scale = _mm512_mul_ps(_mm512_moveldup_ps(halves), _mm512_cvtepi32_ps(scale));
    const __m512 negated = _mm512_xor_ps(_mm512_movehdup_ps(halves), all(-0.0F));
    to.low = _mm512_mul_ps(negated, _mm512_cvtepi32_ps(low));
    to.exact_below = exact_below(halves);
  }

  static PARE_WIDE_INLINE Sums count(const std::uint8_t* block, const Scales& scales, const Bounds& bounds,
                                     WordCounts& counts, bool& usual) {
    const Parts parts = parts_of(block, scales);
    const __m512 *value = parts.value, cutoff = all(bounds.cutoff);
    const __m512i words = parts.ones;
    __mmask16 below = _mm512_cmp_ps_mask(value[3], cutoff, _CMP_LT_OQ), met = 0, within = 0xffff;
    below = _mm512_mask_cmp_ps_mask(below, value[0], all(-bounds.cutoff), _CMP_GT_OQ);
#pragma GCC unroll 4
    for (int q = 0; q < 4; ++q)
      counts.negative = add_if(exceeds(_mm512_setzero_ps(), value[q]), parts.count[q], counts.negative);
    if (bounds.nearest == 0) {
      count_zeros(parts, counts);
    } else {
      // A zero is nearer, too.
      const __m512 a = _mm512_min_ps(magnitude_of(value[0]), magnitude_of(value[1]));
      const __m512 b = _mm512_min_ps(magnitude_of(value[2]), magnitude_of(value[3]));
      within = _mm512_cmp_ps_mask(_mm512_min_ps(a, b), all(bounds.nearest), _CMP_GE_OQ);
    }
    if (below != 0xffff)
#pragma GCC unroll 4
      for (int q = 0; q < 4; ++q) {
        const __m512 magnitude = magnitude_of(value[q]);
        counts.above = add_if(exceeds(magnitude, cutoff), parts.count[q], counts.above);
        counts.high = add_if(exceeds(value[q], cutoff), parts.count[q], counts.high);
        met |= _mm512_cmp_ps_mask(magnitude, cutoff, _CMP_EQ_OQ);
      }
    // Comparisons wait for each other only in pairs: they take longer than the counts.
    const __m512 most = _mm512_add_ps(_mm512_mul_ps(scales.scale, all(kMost)), magnitude_of(scales.low));
    __mmask16 regular = _mm512_cmp_ps_mask(most, scales.exact_below, _CMP_LT_OQ);
    regular = _mm512_mask_cmpge_epi32_mask(regular, _mm512_castps_si512(scales.scale), _mm512_setzero_si512());
    within = _mm512_mask_cmp_ps_mask(within, value[3], all(bounds.new_top), _CMP_LE_OQ);
    within = _mm512_mask_cmp_ps_mask(within, value[0], all(bounds.new_bottom), _CMP_GE_OQ);
    usual = met == 0 && (regular & within) == 0xffff;
    const __m256i first = _mm512_castsi512_si256(words), second = _mm512_extracti64x4_epi64(words, 1);
    const __m256i four = _mm256_slli_epi16(add(second, parts.count[3]), 2);
    return {_mm512_cvtepu16_epi32(add(first, add(second, second))), _mm512_cvtepu16_epi32(add(first, four))};
  }

  static PARE_WIDE Findings examine(const Scales& scales, const Bounds& bounds) {
    const __m512 scale = scales.scale, low = scales.low, least = magnitude_of(low), cutoff = all(bounds.cutoff);
    const __m512 most = _mm512_add_ps(_mm512_mul_ps(scale, all(kMost)), least), greatest = value_of(3, scales);
    __mmask16 regular = _mm512_cmp_ps_mask(most, scales.exact_below, _CMP_LT_OQ);
    regular = _mm512_mask_cmpge_epi32_mask(regular, _mm512_castps_si512(scale), _mm512_setzero_si512());
    for (int q = 0; q < 4; ++q)
      regular = _mm512_mask_cmp_ps_mask(regular, magnitude_of(value_of(q, scales)), cutoff, _CMP_NEQ_UQ);
    const __m512 largest = _mm512_max_ps(magnitude_of(greatest), least);
    return {regular != 0xffff, _mm512_cmp_ps_mask(largest, all(bounds.limit), _CMP_GE_OQ) != 0, true};
  }

  /// Adds the zeros of a block that were not counted, and its extremes.
  static PARE_WIDE void extend(const std::uint8_t* block, const Scales& scales, const Bounds& bounds,
                               WordCounts& counts, KeyRange& range) {
    const Parts parts = parts_of(block, scales);
    if (bounds.nearest != 0) count_zeros(parts, counts);
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    __m512 top = all(-kInfinity), bottom = all(kInfinity), nearest = all(kInfinity);
    for (int q = 0; q < 4; ++q) {
      const __mmask16 is_there = _mm256_test_epi16_mask(parts.count[q], parts.count[q]);
      top = _mm512_mask_max_ps(top, is_there, top, parts.value[q]);
      bottom = _mm512_mask_min_ps(bottom, is_there, bottom, parts.value[q]);
      nearest = _mm512_mask_min_ps(nearest, is_there, nearest, magnitude_of(parts.value[q]));
    }
    merge(range_between(_mm512_reduce_min_ps(bottom), _mm512_reduce_max_ps(top), _mm512_reduce_min_ps(nearest)), range);
  }

 private:
  /// The four values of each group, and how many numbers have them.
  struct Parts {
    __m512 value[4];
    __m256i count[4];
    __m512i ones;  ///< words of each plane
  };

  static PARE_WIDE_INLINE __m512 value_of(int q, const Scales& scales) {
    return _mm512_fmadd_ps(scales.scale, all(static_cast<float>(q)), scales.low);
  }

  static PARE_WIDE_INLINE Parts parts_of(const std::uint8_t* block, const Scales& scales) {
    Parts parts;
    const Pairs bits = pairs_at(block + 16);
    parts.ones = _mm512_popcnt_epi16(bits.both);
    const __m256i first = _mm512_castsi512_si256(parts.ones), second = _mm512_extracti64x4_epi64(parts.ones, 1);
    parts.count[3] = ones(_mm256_and_si256(bits.b0, bits.b1));
    parts.count[2] = subtract(second, parts.count[3]);
    parts.count[1] = subtract(first, parts.count[3]);
    parts.count[0] = subtract(_mm256_set1_epi16(16), add(parts.count[1], second));
#pragma GCC unroll 4
    for (int q = 0; q < 4; ++q) parts.value[q] = value_of(q, scales);
    return parts;
  }

  static PARE_WIDE_INLINE void count_zeros(const Parts& parts, WordCounts& counts) {
#pragma GCC unroll 4
    for (int q = 0; q < 4; ++q) {
      const __mmask16 is_zero = _mm512_cmp_ps_mask(parts.value[q], _mm512_setzero_ps(), _CMP_EQ_OQ);
      counts.zeros = add_if(is_zero, parts.count[q], counts.zeros);
    }
  }

  /// No element is a negative zero.
  static KeyRange range_between(float bottom, float top, float nearest) {
    const auto pattern = [](float value) { return std::uint64_t{std::bit_cast<std::uint32_t>(value)}; };
    KeyRange range;
    range.any_positive = top >= 0;
    if (range.any_positive) range.max_positive = pattern(top + 0.0F);
    range.max_unsigned = bottom < 0 ? pattern(bottom) : range.max_positive;
    range.min_key = pattern(nearest);
    return range;
  }
};

struct Q3_K {
  static constexpr std::size_t kBytes = 110;
  static constexpr bool kLows = false;
  static constexpr int kMost = 4;

  static PARE_WIDE_INLINE void scales(const std::uint8_t* block, Scales& to) {
    const __m512 scales = _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(six_bit_scales(block + 96)));
    to.scale = _mm512_mul_ps(half_in_all(block + 108), scales);
  }

  static PARE_WIDE_INLINE Sums count(const std::uint8_t* block, const Scales& scales, const Bounds& bounds,
                                     WordCounts& counts, bool& usual) {
    const __m512 scale = magnitude_of(scales.scale);
    const __mmask16 flips = _mm512_movepi32_mask(_mm512_castps_si512(scales.scale));
    const __mmask16 flat = _mm512_testn_epi32_mask(_mm512_castps_si512(scale), _mm512_castps_si512(scale));
    // q = 4 h + 2 b1 + b0 - 4. Its magnitude is 1 or 3 where b0 is set, and otherwise 2, or 4 or 0.
    const Pairs bits = pairs_at(block + 32);
    const __m256i h = single_bits_at(block), b0 = bits.b0, b1 = bits.b1;
    const __m256i rising = _mm256_xor_si256(h, _mm256_movm_epi16(flips));
    const __m256i is[5] = {_mm256_ternarylogic_epi32(h, b1, b0, 0x10), _mm256_ternarylogic_epi32(h, b1, b0, 0x28),
                           _mm256_andnot_si256(b0, b1), _mm256_ternarylogic_epi32(h, b1, b0, 0x82),
                           _mm256_ternarylogic_epi32(h, b1, b0, 0x01)};
    const __m256i zeros = ones(is[0]), up = ones(rising), down = subtract(_mm256_set1_epi16(16), up);
    __m256i of[5];
    // As unsigned numbers, the patterns of zero, of smaller and of larger scales, and of NaN are beyond.
    constexpr auto kFirst = std::bit_cast<int>(kLeastScale), kSpan = std::bit_cast<int>(0x1p100F) - kFirst;
    const __m512i pattern = _mm512_sub_epi32(_mm512_castps_si512(scale), _mm512_set1_epi32(kFirst));
    const __mmask16 in_span = _mm512_cmplt_epu32_mask(pattern, _mm512_set1_epi32(kSpan)) | flat;
    const __m512 greatest = _mm512_mul_ps(scale, all(kMost));
    __mmask16 met = 0;
#pragma GCC unroll 4
    for (int m = 1; m <= kMost; ++m) of[m] = ones(is[m]);
    if (_mm512_cmp_ps_mask(greatest, all(bounds.cutoff), _CMP_GE_OQ) != 0) {
#pragma GCC unroll 4
      for (int m = 1; m <= kMost; ++m) {
        const __m512 value = _mm512_mul_ps(scale, all(static_cast<float>(m)));
        const __mmask16 exceeding = exceeds(value, all(bounds.cutoff));
        counts.above = add_if(exceeding, of[m], counts.above);
        counts.high = add_if(exceeding, ones(_mm256_and_si256(is[m], rising)), counts.high);
        met |= _mm512_cmp_ps_mask(value, all(bounds.cutoff), _CMP_EQ_OQ);
      }
    }
    counts.negative = add(counts.negative, down);
    counts.zeros = add(counts.zeros, _mm256_mask_blend_epi16(flat, zeros, _mm256_set1_epi16(16)));
    const __m256i negative_zeros = _mm256_mask_blend_epi16(flat, _mm256_maskz_mov_epi16(flips, zeros), down);
    counts.negative_zeros = add(counts.negative_zeros, negative_zeros);
    const __mmask16 within = _mm512_cmp_ps_mask(greatest, all(bounds.new_smaller), _CMP_LE_OQ);
    // Until one is found, any number may be zero.
    usual = bounds.nearest == 0 && met == 0 && (in_span & within) == 0xffff;
    return sums_of(bits, h, of);
  }

  static PARE_WIDE Findings examine(const Scales& scales, const Bounds& bounds) {
    const __m512 scale = magnitude_of(scales.scale), cutoff = all(bounds.cutoff);
    const __mmask16 flat = _mm512_cmp_ps_mask(scale, _mm512_setzero_ps(), _CMP_EQ_OQ);
    const __mmask16 is_least = _mm512_cmp_ps_mask(scale, all(kLeastScale), _CMP_GE_OQ);
    __mmask16 regular = _mm512_mask_cmp_ps_mask(flat | is_least, scale, all(0x1p100F), _CMP_LT_OQ);
    __m512 value = scale;
    for (int m = 1; m <= kMost; ++m) {
      value = _mm512_mul_ps(scale, all(static_cast<float>(m)));
      regular = _mm512_mask_cmp_ps_mask(regular, value, cutoff, _CMP_NEQ_UQ);
    }
    const __mmask16 outside = exceeds(value, all(bounds.smaller()));
    return {regular != 0xffff, _mm512_cmp_ps_mask(value, all(bounds.limit), _CMP_GE_OQ) != 0,
            outside != 0 || bounds.nearest != 0};
  }

  static void extend(const std::uint8_t* block, const Scales&, const Bounds&, WordCounts&, KeyRange& range) {
    extend_range(BlockType::kQ3_K, block, 1, range);
  }

 private:
  static PARE_WIDE_INLINE Sums sums_of(const Pairs& bits, __m256i h, const __m256i (&of)[5]) {
    const __m512i each = _mm512_popcnt_epi16(bits.both);
    const __m256i first = _mm512_castsi512_si256(each), second = _mm512_extracti64x4_epi64(each, 1);
    const __m256i twice = add(second, _mm256_slli_epi16(ones(h), 1));
    const __m256i sum = subtract(add(first, add(twice, twice)), _mm256_set1_epi16(64));
    const __m256i nine = add(of[3], _mm256_slli_epi16(of[3], 3));
    const __m256i four = add(of[2], _mm256_slli_epi16(of[4], 2));
    const __m256i squares = add(add(of[1], nine), _mm256_slli_epi16(four, 2));
    return {_mm512_cvtepi16_epi32(sum), _mm512_cvtepu16_epi32(squares)};
  }

  static PARE_WIDE_INLINE __m128i six_bit_scales(const std::uint8_t* packed) {
    const auto low = number_at<std::uint64_t>(packed);
    const auto high = number_at<std::uint32_t>(packed + 8);
    constexpr std::uint64_t kLow = 0x0f0f0f0f0f0f0f0f, kHigh = 0x3030303030303030;
    const std::uint64_t first = static_cast<std::uint64_t>(high) << 4 | static_cast<std::uint64_t>(high) << 34;
    const std::uint64_t second = high | static_cast<std::uint64_t>(high >> 2) << 32;
    const __m128i six = _mm_set_epi64x(static_cast<long long>((low >> 4 & kLow) | (second & kHigh)),
                                       static_cast<long long>((low & kLow) | (first & kHigh)));
    return _mm_sub_epi8(six, _mm_set1_epi8(32));
  }
};

template <class B>
PARE_WIDE bool fold(BlockType type, const std::uint8_t* block, std::size_t count, const FoldCutoffs& cutoffs,
                    BlockScan& scan, MomentLanes& moments) {
  Bounds bounds(cutoffs, scan.range);
  WordCounts counts;
  Lanes lanes;
  lanes.load(moments);
  std::uint64_t elements = 0;
  for (; count != 0; --count, block += B::kBytes) {
    fetch_ahead(block, B::kBytes);
    Scales scales;
    B::scales(block, scales);
    WordCounts more = counts;
    bool usual = true;
    const Sums sums = B::count(block, scales, bounds, more, usual);
    Findings found;
    if (!usual) {
      found = B::examine(scales, bounds);
      if (found.irregular) {
        lanes.store(moments);
        if (!scan_values(type, block, 1, cutoffs, scan, moments)) return false;
        lanes.load(moments);
        bounds = Bounds(cutoffs, scan.range);
        continue;
      }
      if (found.beyond) return false;
    }
    counts = more;
    elements += 256;
    add_sums<16, B::kLows>(scales, sums, lanes);
    if (found.extends) {
      B::extend(block, scales, bounds, counts, scan.range);
      bounds = Bounds(cutoffs, scan.range);
    }
  }
  lanes.store(moments);
  counts.finish(elements, scan);
  return true;
}

}  // namespace

bool fold_planes(BlockType type, const std::uint8_t* blocks, std::size_t count, const FoldCutoffs& cutoffs,
                 BlockScan& scan, MomentLanes& moments) {
  return type == BlockType::kQ2_K ? fold<Q2_K>(type, blocks, count, cutoffs, scan, moments)
                                  : fold<Q3_K>(type, blocks, count, cutoffs, scan, moments);
}

}  // namespace pare::kernels::wide

#endif
