// Blocks of quantized weights in vectors of 64 bytes, sixteen groups at once: four elements of each group are a dword,
// so that what is known of a group is a dword of another vector. Only for wide_fold.cpp and plane_fold.cpp.
#pragma once

#include "kernels/quants/wide/vbmi.h"

#if defined(__x86_64__)

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace pare::kernels::wide {

constexpr std::size_t kGroups = 16;

struct alignas(64) Dwords {
  std::uint32_t at[kGroups];
};
/// {f(0), ..., f(15)}
template <class F>
constexpr Dwords dwords(const F& f) {
  Dwords all{};
  for (unsigned i = 0; i < kGroups; ++i) all.at[i] = static_cast<std::uint32_t>(f(i));
  return all;
}
struct alignas(64) Bytes {
  std::uint8_t at[64];
};

PARE_WIDE_INLINE __m512i load(const Dwords& table) { return _mm512_load_si512(table.at); }
PARE_WIDE_INLINE __m512i load(const Bytes& table) { return _mm512_load_si512(table.at); }
PARE_WIDE_INLINE __m512i all_bytes(int byte) { return _mm512_set1_epi8(static_cast<char>(byte)); }
PARE_WIDE_INLINE __m512i load_block(const std::uint8_t* bytes) { return _mm512_loadu_si512(bytes); }
PARE_WIDE_INLINE __m128i load_16(const std::uint8_t* bytes) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes));
}
PARE_WIDE_INLINE __m256i load_32(const std::uint8_t* bytes) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes));
}
/// Fetches what will be unpacked later.
PARE_WIDE_INLINE void fetch_ahead(const std::uint8_t* bytes, std::size_t n) {
  constexpr std::size_t kAhead = 4096;
  for (std::size_t at = 0; at < n; at += 64)
    _mm_prefetch(reinterpret_cast<const char*>(bytes + kAhead + at), _MM_HINT_T0);
}
/// The bits of a where the mask has them, of b elsewhere.
PARE_WIDE_INLINE __m512i select_bits(__m512i mask, __m512i a, __m512i b) {
  return _mm512_ternarylogic_epi32(mask, a, b, 0xca);
}
template <class T>
inline T number_at(const std::uint8_t* bytes) {
  T number;
  std::memcpy(&number, bytes, sizeof number);
  return number;
}
PARE_WIDE_INLINE __m512 half_in_all(const std::uint8_t* half) {
  return _mm512_cvtph_ps(_mm256_set1_epi16(number_at<std::int16_t>(half)));
}

/// The scales of sixteen groups, and of blocks with lows what is added.
struct Scales {
  __m512 scale, low;
  __m512 exact_below;  ///< see Batch; the same for all groups
};

/// Their small integers: dword g of q[k] is elements 4k to 4k + 3 of group g.
template <int quarters>
using Numbers = __m512i[quarters];

/// exact_below() of block_levels-inl.h for each pair of F16 numbers, which are given as F32. Infinity and NaN are not
/// told, because no sum of theirs is below anything.
PARE_WIDE_INLINE __m512 exact_below(__m512 pairs) {
  constexpr int kExponent = 0x7f800000;
  const __m512i exponents = _mm512_and_si512(_mm512_castps_si512(pairs), _mm512_set1_epi32(kExponent));
  const __mmask16 is_zero = _mm512_testn_epi32_mask(exponents, exponents);
  // Subnormal numbers have the unit of the least normal ones. Zero has any.
  const __m512i normal = _mm512_max_epi32(exponents, _mm512_set1_epi32((1 + 112) << 23));
  const __m512i units = _mm512_mask_mov_epi32(normal, is_zero, _mm512_set1_epi32((30 + 112) << 23));
  const __m512i least = _mm512_min_epi32(units, _mm512_shuffle_epi32(units, _MM_PERM_CDAB));
  return _mm512_castsi512_ps(_mm512_add_epi32(least, _mm512_set1_epi32(14 << 23)));
}

// For each type: the bytes of a block, how many are unpacked together, the size of groups, whether there are lows, the
// largest |q|, and how scales and numbers are unpacked.

struct Q8_0 {
  static constexpr std::size_t kBytes = 34, kBlocks = 16, kGroup = 32;
  static constexpr bool kLows = false;
  static constexpr int kMost = 127;

  static PARE_WIDE_INLINE void scales(const std::uint8_t* block, Scales& to) {
    std::uint64_t halves[4] = {};
#pragma GCC unroll 16
    for (std::size_t i = 0; i < kGroups; ++i)
      halves[i / 4] |= std::uint64_t{number_at<std::uint16_t>(block + i * kBytes)} << i % 4 * 16;
    to.scale = _mm512_cvtph_ps(_mm256_set_epi64x(static_cast<long long>(halves[3]), static_cast<long long>(halves[2]),
                                                 static_cast<long long>(halves[1]), static_cast<long long>(halves[0])));
  }

  static PARE_WIDE_INLINE void numbers(const std::uint8_t* block, Numbers<8>& q) {
    __m512i row[8];
#pragma GCC unroll 8
    for (std::size_t i = 0; i < 8; ++i)
      row[i] = _mm512_inserti64x4(_mm512_castsi256_si512(load_32(block + i * kBytes + 2)),
                                  load_32(block + (i + 8) * kBytes + 2), 1);
    transpose(row, q);
  }

 private:
  /// Makes columns of the 8 x 8 dwords in either half of the rows.
  static PARE_WIDE_INLINE void transpose(const __m512i (&row)[8], __m512i (&column)[8]) {
    __m512i two[8], four[8];
#pragma GCC unroll 4
    for (std::size_t i = 0; i < 8; i += 2) {
      two[i] = _mm512_unpacklo_epi32(row[i], row[i + 1]);
      two[i + 1] = _mm512_unpackhi_epi32(row[i], row[i + 1]);
    }
#pragma GCC unroll 2
    for (std::size_t i = 0; i < 8; i += 4) {
      four[i] = _mm512_unpacklo_epi64(two[i], two[i + 2]);
      four[i + 1] = _mm512_unpackhi_epi64(two[i], two[i + 2]);
      four[i + 2] = _mm512_unpacklo_epi64(two[i + 1], two[i + 3]);
      four[i + 3] = _mm512_unpackhi_epi64(two[i + 1], two[i + 3]);
    }
    const __m512i low = _mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13);
    const __m512i high = _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15);
#pragma GCC unroll 4
    for (std::size_t i = 0; i < 4; ++i) {
      column[i] = _mm512_permutex2var_epi64(four[i], low, four[i + 4]);
      column[i + 4] = _mm512_permutex2var_epi64(four[i], high, four[i + 4]);
    }
  }
};

/// Groups of 16 in blocks of 256, in halves of 128 elements: which dword of 64 bytes has the first four of a group, and
/// which of four pairs of bits.
constexpr unsigned half_of(unsigned group) { return group / 8; }
constexpr unsigned part_of(unsigned group) { return group / 2 % 4; }
constexpr unsigned place_of(unsigned group) { return (half_of(group) * 2 + group % 2) * 4; }
constexpr Dwords kPlaces = dwords(place_of);

/// Dwords k of sixteen groups.
PARE_WIDE_INLINE __m512i places(unsigned k) {
  return _mm512_add_epi32(load(kPlaces), _mm512_set1_epi32(static_cast<int>(k)));
}

struct Q6_K {
  static constexpr std::size_t kBytes = 210, kBlocks = 1, kGroup = 16;
  static constexpr bool kLows = false;
  static constexpr int kMost = 32;

  static PARE_WIDE_INLINE void scales(const std::uint8_t* block, Scales& to) {
    const __m512 scales = _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(load_16(block + 192)));
    to.scale = _mm512_mul_ps(half_in_all(block + 208), scales);
  }

  static PARE_WIDE_INLINE void numbers(const std::uint8_t* block, Numbers<4>& q) {
    // Parts 0 and 2 are nibbles of 32 bytes, 1 and 3 of the next 32; two more bits go to bit 4.
    static constexpr Dwords kNibblePlaces =
        dwords([](unsigned g) { return half_of(g) * 16 + part_of(g) % 2 * 8 + g % 2 * 4; });
    static constexpr Dwords kNibbles = dwords([](unsigned g) { return part_of(g) / 2 * 4; });
    static constexpr Dwords kTurns = dwords([](unsigned g) { return (36 - 2 * part_of(g)) % 32; });
    const __m512i first = load_block(block), second = load_block(block + 64), two = load_block(block + 128);
#pragma GCC unroll 4
    for (unsigned k = 0; k < 4; ++k) {
      const __m512i place = _mm512_add_epi32(load(kNibblePlaces), _mm512_set1_epi32(static_cast<int>(k)));
      const __m512i low = _mm512_srlv_epi32(_mm512_permutex2var_epi32(first, place, second), load(kNibbles));
      const __m512i high = _mm512_rolv_epi32(_mm512_permutexvar_epi32(places(k), two), load(kTurns));
      const __m512i number = _mm512_and_si512(select_bits(all_bytes(15), low, high), all_bytes(63));
      q[k] = _mm512_sub_epi8(number, all_bytes(32));
    }
  }
};

/// What Q4_K and Q5_K have in common: two blocks are a batch; the first F16 number of a block is that of its scales.
/// Its 256 nibbles are at `nibbles`: 32 low halves of bytes are a group, and the high halves the next.
struct TwoOfK {
  static constexpr std::size_t kBlocks = 2, kGroup = 32;
  static constexpr bool kLows = true;

  static PARE_WIDE_INLINE void scales_and_lows(const std::uint8_t* block, std::size_t bytes, Scales& to) {
    const std::uint8_t* other = block + bytes;
    const __m256i halves = _mm256_set_m128i(_mm_set1_epi32(number_at<std::int32_t>(other)),
                                            _mm_set1_epi32(number_at<std::int32_t>(block)));
    const __m512 pairs = _mm512_cvtph_ps(halves);
    const __m512i packed = _mm512_castsi256_si512(_mm256_set_m128i(load_16(other), load_16(block)));
    // The first four are six bits of a byte; the others have four bits of one byte and two of another.
    static constexpr Dwords kScales = dwords([](unsigned g) {
      const unsigned at = g / 8 * 16, i = g % 8;
      return i < 4 ? at + 4 + i : (at + 8 + i) | (at + i) << 8;
    });
    static constexpr Dwords kLowsAt = dwords([](unsigned g) {
      const unsigned at = g / 8 * 16, i = g % 8;
      return i < 4 ? at + 8 + i : (at + 8 + i) | (at + 4 + i) << 8;
    });
    static constexpr Dwords kShifts = dwords([](unsigned g) { return g % 8 < 4 ? 0 : 4; });
    constexpr __mmask64 kUsed = 0x3333111133331111;
    const __m512i a = _mm512_maskz_permutexvar_epi8(kUsed, load(kScales), packed);
    const __m512i b = _mm512_maskz_permutexvar_epi8(kUsed, load(kLowsAt), packed);
    const __m512i scales = with_high_bits(a, a), lows = with_high_bits(_mm512_srlv_epi32(b, load(kShifts)), b);
    to.scale = _mm512_mul_ps(_mm512_moveldup_ps(pairs), _mm512_cvtepi32_ps(scales));
    const __m512 negated = _mm512_xor_ps(_mm512_movehdup_ps(pairs), _mm512_set1_ps(-0.0F));
    to.low = _mm512_mul_ps(negated, _mm512_cvtepi32_ps(lows));
    const __m512 exact = exact_below(pairs);
    to.exact_below = _mm512_min_ps(exact, _mm512_shuffle_f32x4(exact, exact, 0x4e));
  }

  /// The nibbles of two blocks, with whatever is above them.
  static PARE_WIDE_INLINE void unpack_nibbles(const std::uint8_t* first, const std::uint8_t* second, __m512i (&q)[8]) {
    // Dwords k of the four rows of 32 bytes of a block, for four k.
    static constexpr Dwords kFour[2] = {dwords([](unsigned i) { return i % 2 * 8 + i % 4 / 2 * 16 + i / 4; }),
                                        dwords([](unsigned i) { return i % 2 * 8 + i % 4 / 2 * 16 + 4 + i / 4; })};
    static constexpr Dwords kRows = dwords([](unsigned g) { return g / 8 * 16 + g % 8 / 2; });
    static constexpr Dwords kNibbles = dwords([](unsigned g) { return g % 2 * 4; });
#pragma GCC unroll 2
    for (unsigned four = 0; four < 2; ++four) {
      const __m512i of_first = _mm512_permutex2var_epi32(load_block(first), load(kFour[four]), load_block(first + 64));
      const __m512i of_second =
          _mm512_permutex2var_epi32(load_block(second), load(kFour[four]), load_block(second + 64));
#pragma GCC unroll 4
      for (unsigned k = 0; k < 4; ++k) {
        const __m512i place = _mm512_add_epi32(load(kRows), _mm512_set1_epi32(static_cast<int>(4 * k)));
        q[4 * four + k] = _mm512_srlv_epi32(_mm512_permutex2var_epi32(of_first, place, of_second), load(kNibbles));
      }
    }
  }

 private:
  static PARE_WIDE_INLINE __m512i with_high_bits(__m512i low, __m512i high) {
    static constexpr Dwords kMasks = dwords([](unsigned g) { return g % 8 < 4 ? 63 : 15; });
    return _mm512_or_si512(_mm512_and_si512(low, load(kMasks)),
                           _mm512_and_si512(_mm512_srli_epi32(high, 10), _mm512_set1_epi32(0x30)));
  }
};

struct Q4_K : TwoOfK {
  static constexpr std::size_t kBytes = 144;
  static constexpr int kMost = 15;

  static PARE_WIDE_INLINE void scales(const std::uint8_t* block, Scales& to) { scales_and_lows(block, kBytes, to); }

  static PARE_WIDE_INLINE void numbers(const std::uint8_t* block, Numbers<8>& q) {
    unpack_nibbles(block + 16, block + kBytes + 16, q);
#pragma GCC unroll 8
    for (int k = 0; k < 8; ++k) q[k] = _mm512_and_si512(q[k], all_bytes(15));
  }
};

struct Q5_K : TwoOfK {
  static constexpr std::size_t kBytes = 176;
  static constexpr int kMost = 31;

  static PARE_WIDE_INLINE void scales(const std::uint8_t* block, Scales& to) { scales_and_lows(block, kBytes, to); }

  static PARE_WIDE_INLINE void numbers(const std::uint8_t* block, Numbers<8>& q) {
    unpack_nibbles(block + 48, block + kBytes + 48, q);
    // Fifth bits are bits 0 to 7 of 32 bytes, one for each group.
    static constexpr Dwords kOfBlock = dwords([](unsigned g) { return g / 8 * 8; });
    static constexpr Dwords kTurns = dwords([](unsigned g) { return (36 - g % 8) % 32; });
    const __m512i fifth =
        _mm512_inserti64x4(_mm512_castsi256_si512(load_32(block + 16)), load_32(block + kBytes + 16), 1);
#pragma GCC unroll 8
    for (unsigned k = 0; k < 8; ++k) {
      const __m512i place = _mm512_add_epi32(load(kOfBlock), _mm512_set1_epi32(static_cast<int>(k)));
      const __m512i high = _mm512_rolv_epi32(_mm512_permutexvar_epi32(place, fifth), load(kTurns));
      q[k] = _mm512_and_si512(select_bits(all_bytes(15), q[k], high), all_bytes(31));
    }
  }
};

}  // namespace pare::kernels::wide

#endif
