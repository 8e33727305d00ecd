#include "kernels/quants/code_tally.h"
#include "kernels/quants/wide/vbmi.h"

#if defined(__x86_64__)

#include <algorithm>
#include <array>

namespace pare::kernels {
namespace {

constexpr std::size_t kTile = 64, kMostTiles = 254;  ///< bytes, and an even number of tiles that are counted in 8 bits
constexpr std::size_t kAhead = 4096;                 ///< bytes
constexpr std::size_t kVector = 16;                  ///< numbers of 32 bits
/// Products of digits of 7 bits fit the instruction that adds up those of signed and unsigned bytes.
constexpr int kDigitBits = 7;
constexpr std::size_t kMostDigits = 8, kHalf = 4;

/// The digits of all values, the lowest first.
struct Planes {
  alignas(kTile) std::uint8_t bytes[kMostDigits][kMagnitudes];
};

/// Adds to every number of 32 bits four products of unsigned and signed bytes. GCC 12 would copy each sum twice if it
/// were the intrinsic, which takes as long as the rest.
PARE_WIDE_INLINE __m512i add_products(__m512i sums, __m512i bytes, __m512i by) {
  asm("vpdpbusd %2, %1, %0" : "+v"(sums) : "v"(bytes), "v"(by));
  return sums;
}

PARE_WIDE_INLINE __m512 rounded(FloatType type, __m512 products) {
  if (type == FloatType::kF32) return products;
  if (type == FloatType::kF16) return _mm512_cvtph_ps(_mm512_cvtps_ph(products, _MM_FROUND_TO_NEAREST_INT));
  const __m512i bits = _mm512_castps_si512(products);
  const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
  const __m512i up = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
  return _mm512_castsi512_ps(_mm512_and_si512(up, _mm512_set1_epi32(static_cast<int>(0xffff0000))));
}

/// Four digits of 128 numbers below 2^28.
PARE_WIDE_INLINE void split(const __m512i* numbers, std::uint8_t (*planes)[kMagnitudes]) {
  alignas(kTile) static constexpr auto places = [] {  // of the digits 0 and 1 in two vectors
    std::array<std::uint8_t, kTile> bytes{};
    for (std::size_t i = 0; i < kTile; ++i)
      bytes[i] = static_cast<std::uint8_t>(kHalf * (i % (2 * kVector)) + i / (2 * kVector));
    return bytes;
  }();
  const __m512i shifts = _mm512_set1_epi64(0x352e'2720'150e'0700);
  const __m512i first = _mm512_load_si512(places.data()), last = _mm512_add_epi8(first, _mm512_set1_epi8(2));
  for (std::size_t half = 0; half < 2; ++half) {
    __m512i digits[kHalf];  // those of a number side by side
    for (std::size_t i = 0; i < kHalf; ++i)
      digits[i] =
          _mm512_and_si512(_mm512_multishift_epi64_epi8(shifts, numbers[half * kHalf + i]), _mm512_set1_epi8(0x7f));
    for (std::size_t pair = 0; pair < 2; ++pair) {
      const __m512i at = pair == 0 ? first : last;
      const __m512i low = _mm512_permutex2var_epi8(digits[0], at, digits[1]);
      const __m512i high = _mm512_permutex2var_epi8(digits[2], at, digits[3]);
      _mm512_store_si512(planes[2 * pair] + half * kTile, _mm512_shuffle_i64x2(low, high, 0x44));
      _mm512_store_si512(planes[2 * pair + 1] + half * kTile, _mm512_shuffle_i64x2(low, high, 0xee));
    }
  }
}

std::size_t tiles_of(std::size_t columns) { return (columns + kTile - 1) / kTile; }

/// How many digits are looked up: 4, 6 or 8.
std::size_t digits_of(const CodeTable& table) {
  const auto digits = static_cast<std::size_t>(table.bits + kDigitBits - 1) / kDigitBits;
  if (digits <= kHalf && table.is_short) return kHalf;
  return digits <= 6 ? 6 : kMostDigits;
}

PARE_WIDE_INLINE void make_planes(const CodeTable& table, std::size_t digits, Planes& planes) {
  constexpr int kHalfBits = kHalf * kDigitBits;
  __m512i low[kMagnitudes / kVector], high[kMagnitudes / kVector];
  const __m512 units = _mm512_set1_ps(static_cast<float>(-table.unit));
  for (std::size_t i = 0; i < kMagnitudes / kVector; ++i) {
    const __m512 multiples = _mm512_scalef_ps(_mm512_load_ps(table.values + i * kVector), units);
    if (digits == kHalf) {
      low[i] = _mm512_cvttps_epi32(multiples);
    } else {
      high[i] = _mm512_cvttps_epi32(_mm512_scalef_ps(multiples, _mm512_set1_ps(-kHalfBits)));
      low[i] =
          _mm512_cvttps_epi32(_mm512_fnmadd_ps(_mm512_cvtepi32_ps(high[i]), _mm512_set1_ps(1 << kHalfBits), multiples));
    }
  }
  split(low, planes.bytes);
  if (digits > kHalf) split(high, planes.bytes + kHalf);
}

/// What is added up in 32 bits, and extremes.
template <std::size_t kDigits>
struct Totals {
  __m512i sums[kDigits];
  __m512i products[2 * kDigits - 1];  ///< of digits i and j, those of i + j = 0 first
  __m512i largest, largest_unsigned, smallest;
  __m512i nonzero, nonzero_negative;                      ///< counts of 8 bits
  std::uint64_t above = 0, above_zero = 0, negative = 0;  ///< above_zero: above the cutoff and without a sign
};

template <std::size_t kDigits>
PARE_WIDE_INLINE void clear(Totals<kDigits>& totals) {
  for (__m512i& sum : totals.sums) sum = _mm512_setzero_si512();
  for (__m512i& sum : totals.products) sum = _mm512_setzero_si512();
  totals.largest = _mm512_set1_epi8(-128);
  totals.largest_unsigned = _mm512_setzero_si512();
  totals.smallest = _mm512_set1_epi8(127);
  totals.nonzero = totals.nonzero_negative = _mm512_setzero_si512();
}

/// Adds products of digits i <= j, those of i < j twice if not kShort. kShort: no value has more than 8 bits, which are
/// in two digits side by side.
template <std::size_t kDigits, bool kShort>
PARE_WIDE_INLINE void add_squares(const __m512i* digits, __m512i* products) {
  if constexpr (kShort) {
    for (std::size_t k = 0; k < kDigits; ++k) {
      products[2 * k] = add_products(products[2 * k], digits[k], digits[k]);
      if (k > 0) products[2 * k - 1] = add_products(products[2 * k - 1], digits[k - 1], digits[k]);
    }
  } else {
    for (std::size_t i = 0; i < kDigits; ++i) {
      products[2 * i] = add_products(products[2 * i], digits[i], digits[i]);
      const __m512i twice = _mm512_add_epi8(digits[i], digits[i]);
      for (std::size_t j = i + 1; j < kDigits; ++j) products[i + j] = add_products(products[i + j], twice, digits[j]);
    }
  }
}

/// Adds a tile, all of it or the bytes of the mask; the others are zero.
template <std::size_t kDigits, bool kShort, bool kWhole>
PARE_WIDE_INLINE void take(__m512i codes, __mmask64 mask, const Planes& planes, __m512i above,
                           Totals<kDigits>& totals) {
  const auto count = [](__mmask64 of) PARE_WIDE { return static_cast<std::uint64_t>(_mm_popcnt_u64(of)); };
  const __m512i one = _mm512_set1_epi8(1), magnitudes = _mm512_and_si512(codes, _mm512_set1_epi8(0x7f));
  const __mmask64 negative = _mm512_movepi8_mask(codes), is_above = _mm512_cmpge_epu8_mask(magnitudes, above);
  const __m512i signs = _mm512_mask_blend_epi8(negative, one, _mm512_set1_epi8(-1));
  totals.negative += count(negative);
  totals.above += count(is_above);
  totals.above_zero += count(is_above & ~negative);
  totals.largest_unsigned = _mm512_max_epu8(totals.largest_unsigned, codes);
  totals.largest = kWhole ? _mm512_max_epi8(totals.largest, codes)
                          : _mm512_mask_max_epi8(totals.largest, mask, totals.largest, codes);
  totals.smallest = kWhole ? _mm512_min_epu8(totals.smallest, magnitudes)
                           : _mm512_mask_min_epu8(totals.smallest, mask, totals.smallest, magnitudes);
  const __m512i is_nonzero = _mm512_min_epu8(magnitudes, one);
  totals.nonzero = _mm512_add_epi8(totals.nonzero, is_nonzero);
  totals.nonzero_negative =
      _mm512_mask_add_epi8(totals.nonzero_negative, negative, totals.nonzero_negative, is_nonzero);
  __m512i digits[kDigits];
  for (std::size_t k = 0; k < kDigits; ++k)  // the index has 7 bits, and the sign is left out
    digits[k] =
        _mm512_permutex2var_epi8(_mm512_load_si512(planes.bytes[k]), codes, _mm512_load_si512(planes.bytes[k] + kTile));
  for (std::size_t k = 0; k < kDigits; ++k) totals.sums[k] = add_products(totals.sums[k], digits[k], signs);
  add_squares<kDigits, kShort>(digits, totals.products);
}

/// The least of 64 unsigned bytes.
PARE_WIDE_INLINE int least(__m512i bytes) {
  const __m256i half = _mm256_min_epu8(_mm512_castsi512_si256(bytes), _mm512_extracti64x4_epi64(bytes, 1));
  const __m128i quarter = _mm_min_epu8(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
  return _mm_cvtsi128_si32(_mm_minpos_epu16(_mm_min_epu8(quarter, _mm_srli_epi16(quarter, 8)))) & 0xff;
}

PARE_WIDE_INLINE std::uint64_t sum_of_bytes(__m512i bytes) {
  return static_cast<std::uint64_t>(_mm512_reduce_add_epi64(_mm512_sad_epu8(bytes, _mm512_setzero_si512())));
}

/// Numbers of 32 bits, added up in pairs.
PARE_WIDE_INLINE __m512i signed_pairs(__m512i x) {
  return _mm512_add_epi64(_mm512_srai_epi64(_mm512_slli_epi64(x, 32), 32), _mm512_srai_epi64(x, 32));
}
PARE_WIDE_INLINE __m512i unsigned_pairs(__m512i x) {
  return _mm512_add_epi64(_mm512_and_si512(x, _mm512_set1_epi64(0xffffffff)), _mm512_srli_epi64(x, 32));
}

template <std::size_t kDigits, bool kShort>
PARE_WIDE_INLINE void finish(const Totals<kDigits>& totals, std::uint64_t elements, CodeTally& tally) {
  constexpr std::size_t kBits = kHalf * kDigitBits, kGroups = 2 * kDigitBits * (kDigits - 1) / kBits + 1;
  tally.above += totals.above;
  tally.outside += totals.above_zero;
  tally.negative += totals.negative;
  tally.zeros += elements - sum_of_bytes(totals.nonzero);
  tally.negative_zeros += totals.negative - sum_of_bytes(totals.nonzero_negative);
  // Differences from 127 for a sign bit that is clear, and from 255 for one that is set.
  const int positive = 127 - least(_mm512_xor_si512(totals.largest, _mm512_set1_epi8(127)));
  const int negative = 127 - least(_mm512_xor_si512(totals.largest_unsigned, _mm512_set1_epi8(-1)));
  tally.largest_positive = std::max(tally.largest_positive, positive);
  tally.largest_negative = std::max(tally.largest_negative, negative);
  tally.smallest = std::min(tally.smallest, least(totals.smallest));
  // Pairs are below 2^31, and shifts below 28.
  __m512i sums[2] = {}, squares[kGroups] = {};
  const auto add = [](__m512i numbers, std::size_t shift, __m512i* to) PARE_WIDE {
    const __m128i by = _mm_cvtsi32_si128(static_cast<int>(shift % kBits));
    to[shift / kBits] = _mm512_add_epi64(to[shift / kBits], _mm512_sll_epi64(numbers, by));
  };
  for (std::size_t k = 0; k < kDigits; ++k) add(signed_pairs(totals.sums[k]), kDigitBits * k, sums);
  for (std::size_t k = 0; k < 2 * kDigits - 1; ++k)  // twice what was not added twice
    add(unsigned_pairs(totals.products[k]), kDigitBits * k + (kShort ? k % 2 : 0), squares);
  for (std::size_t i = 0; i < (kDigits > kHalf ? 2 : 1); ++i)
    tally.sum += static_cast<Int128>(_mm512_reduce_add_epi64(sums[i])) * (Int128{1} << (kBits * i));
  for (std::size_t i = 0; i < kGroups; ++i)
    tally.squares += static_cast<Unsigned128>(static_cast<std::uint64_t>(_mm512_reduce_add_epi64(squares[i])))
                     << (kBits * i);
}

/// Counts elements without a sign that are the cutoff, which few cutoffs are.
PARE_WIDE void count_equal(const CodeRows& codes, const CodeTable& table, CodeTally& tally) {
  const __m512i inside = _mm512_set1_epi8(static_cast<char>(table.inside));
  const __m512i equal = _mm512_set1_epi8(static_cast<char>(table.above - table.inside));
  for (std::size_t row = 0; row < codes.rows; ++row)
    for (std::size_t i = 0; i < codes.columns; i += kTile) {
      const std::size_t rest = codes.columns - i;
      const __mmask64 mask = rest >= kTile ? ~__mmask64{0} : (__mmask64{1} << rest) - 1;
      const __m512i bytes = _mm512_maskz_loadu_epi8(mask, codes.data + row * codes.stride + i);
      const __mmask64 found = _mm512_mask_cmplt_epu8_mask(mask, _mm512_sub_epi8(bytes, inside), equal);
      tally.outside += static_cast<std::uint64_t>(_mm_popcnt_u64(found));
    }
}

/// Bytes in rows, some tiles at once.
struct Walk {
  const std::byte* at;
  std::size_t left, steps, gap;  ///< steps that are left of this row and that a row has; bytes between rows

  /// Without a branch, for which GCC would make two loops of one and copy each sum.
  PARE_WIDE_INLINE void step(std::size_t bytes) {
    const std::size_t at_end = std::size_t{0} - static_cast<std::size_t>(--left == 0);
    at += bytes + (gap & at_end);
    left += steps & at_end;
  }
};

/// Adds no more than kMostTiles tiles, in rows of whole steps of kTiles tiles, or of less than one tile if kTiles is 0.
/// Sums stay in registers only while the function is as simple as this.
template <std::size_t kDigits, bool kShort, std::size_t kTiles>
PARE_WIDE void add_rows(const CodeRows& codes, const CodeTable& table, const Planes& planes, Walk& soon,
                        CodeTally& tally) {
  constexpr std::size_t kBytes = std::max<std::size_t>(kTiles, 1) * kTile;
  Totals<kDigits> totals;
  clear(totals);
  const __m512i above = _mm512_set1_epi8(static_cast<char>(table.above));
  const __mmask64 mask = (__mmask64{1} << codes.columns % kTile) - 1;
  const std::size_t steps = (codes.columns + kBytes - 1) / kBytes;
  Walk now{codes.data, steps, steps, codes.stride - steps * kBytes}, next = soon;
  for (std::size_t k = codes.rows * steps; k > 0; --k) {
    for (std::size_t i = 0; i < kBytes; i += kTile) {
      _mm_prefetch(reinterpret_cast<const char*>(next.at), _MM_HINT_T1);
      next.step(kTile);
    }
    for (std::size_t i = 0; i < kTiles; ++i)
      take<kDigits, kShort, true>(_mm512_loadu_si512(now.at + i * kTile), 0, planes, above, totals);
    if (kTiles == 0) take<kDigits, kShort, false>(_mm512_maskz_loadu_epi8(mask, now.at), mask, planes, above, totals);
    now.step(kBytes);
  }
  soon = next;
  finish<kDigits, kShort>(totals, codes.rows * codes.columns, tally);
}

/// The same of a single row.
template <std::size_t kDigits, bool kShort>
PARE_WIDE void add_row(const CodeRows& codes, const CodeTable& table, const Planes& planes, CodeTally& tally) {
  Totals<kDigits> totals;
  clear(totals);
  const __m512i above = _mm512_set1_epi8(static_cast<char>(table.above));
  const std::size_t tail = codes.columns % kTile, pairs = codes.columns / (2 * kTile);
  const std::byte* bytes = codes.data;
  for (std::size_t k = 0; k < pairs; ++k, bytes += 2 * kTile)
    for (std::size_t i = 0; i < 2 * kTile; i += kTile) {
      _mm_prefetch(reinterpret_cast<const char*>(bytes + i + kAhead), _MM_HINT_T0);
      take<kDigits, kShort, true>(_mm512_loadu_si512(bytes + i), 0, planes, above, totals);
    }
  if (codes.columns - tail != pairs * 2 * kTile) {
    take<kDigits, kShort, true>(_mm512_loadu_si512(bytes), 0, planes, above, totals);
    bytes += kTile;
  }
  if (tail != 0) {
    const __mmask64 mask = (__mmask64{1} << tail) - 1;
    take<kDigits, kShort, false>(_mm512_maskz_loadu_epi8(mask, bytes), mask, planes, above, totals);
  }
  finish<kDigits, kShort>(totals, codes.columns, tally);
}

template <std::size_t kDigits, bool kShort>
PARE_WIDE void add_codes(const CodeRows& codes, const CodeTable& table, const Planes& planes, Walk& soon,
                         CodeTally& tally) {
  if (codes.rows == 1) return add_row<kDigits, kShort>(codes, table, planes, tally);
  const std::size_t tail = codes.columns % kTile, whole = codes.columns - tail;
  const CodeRows tiles{codes.data, codes.rows, whole, codes.stride, {}};
  if (whole != 0 && whole % (2 * kTile) == 0)
    add_rows<kDigits, kShort, 2>(tiles, table, planes, soon, tally);
  else if (whole != 0)
    add_rows<kDigits, kShort, 1>(tiles, table, planes, soon, tally);
  if (tail != 0)
    add_rows<kDigits, kShort, 0>({codes.data + whole, codes.rows, tail, codes.stride, {}}, table, planes, soon, tally);
}

}  // namespace

PARE_WIDE bool make_table_by_vectors(const CodeScale& scale, const CodeCutoffs& cutoffs, CodeTable& table) {
  if (!rises(scale)) return false;
  const float* numbers = code_numbers(scale.codes);
  const std::uint32_t cutoff = cutoff_pattern(scale, cutoffs);
  const __m512 by = _mm512_set1_ps(scale.scale), limit = _mm512_set1_ps(cutoffs.limit);
  __m512i patterns = _mm512_setzero_si512();
  std::size_t count = 0, above = 0;
  for (std::size_t i = 0; i < kMagnitudes; i += kVector) {
    const __m512 values = rounded(scale.elements, _mm512_mul_ps(_mm512_load_ps(numbers + i), by));
    const __m512i bits = _mm512_castps_si512(values);
    _mm512_store_ps(table.values + i, values);
    patterns = _mm512_or_si512(patterns, bits);
    count += static_cast<std::size_t>(_mm_popcnt_u32(_mm512_cmp_ps_mask(values, limit, _CMP_LT_OQ)));
    above += static_cast<std::size_t>(
        _mm_popcnt_u32(_mm512_cmple_epu32_mask(bits, _mm512_set1_epi32(static_cast<int>(cutoff)))));
  }
  table.count = count;
  table.above = above;
  return finish_table(cutoff, static_cast<std::uint32_t>(_mm512_reduce_or_epi32(patterns)), table);
}

PARE_WIDE CodeTally tally_by_planes(const CodeRows& codes, const CodeTable& table) {
  Planes planes;
  const std::size_t digits = digits_of(table);
  make_planes(table, digits, planes);
  const auto add = digits == kHalf ? add_codes<kHalf, true>
                   : digits == 6   ? (table.is_short ? add_codes<6, true> : add_codes<6, false>)
                                   : add_codes<kMostDigits, false>;
  Walk soon = codes.soon.data == nullptr
                  ? Walk{codes.data + kAhead, codes.stride, codes.stride, 0}
                  : Walk{codes.soon.data, codes.soon.left, codes.soon.lines, codes.stride - codes.soon.lines * kTile};
  CodeTally tally;
  const std::size_t columns = std::min(codes.columns, kMostTiles * kTile);
  const std::size_t rows = std::max<std::size_t>(1, kMostTiles / tiles_of(columns));
  for (std::size_t row = 0; row < codes.rows; row += rows)
    for (std::size_t i = 0; i < codes.columns; i += columns) {
      const CodeRows part{codes.data + row * codes.stride + i,
                          std::min(rows, codes.rows - row),
                          std::min(columns, codes.columns - i),
                          codes.stride,
                          {}};
      add(part, table, planes, soon, tally);
      if (table.inside != table.above) count_equal(part, table, tally);
    }
  return tally;
}

}  // namespace pare::kernels

#else

namespace pare::kernels {
bool make_table_by_vectors(const CodeScale&, const CodeCutoffs&, CodeTable&) { return false; }
CodeTally tally_by_planes(const CodeRows&, const CodeTable&) { return {}; }
}  // namespace pare::kernels

#endif
