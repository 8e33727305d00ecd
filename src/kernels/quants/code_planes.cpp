#include "kernels/quants/code_tally.h"

#if defined(__x86_64__)

// GCC 12 warns of its own header (its bug 105593).
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop

#include <algorithm>
#include <bit>

// Highway has no operation for it, so this file is for one instruction set and uses its intrinsics.
#define PARE_VBMI __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vnni,popcnt")))
#define PARE_VBMI_INLINE PARE_VBMI inline __attribute__((always_inline))

namespace pare::kernels {
namespace {

constexpr std::size_t kTile = 64, kTiles = 4;  ///< bytes, and how many of them share a load of the tables
constexpr std::size_t kAhead = 4096;           ///< bytes
constexpr std::size_t kMostPlanes = 7, kMostSquarePlanes = 14;

/// The bytes of numbers, the lowest of all first.
struct Planes {
  alignas(64) std::uint8_t bytes[kMostPlanes + kMostSquarePlanes][kMagnitudes];
  std::size_t multiples = 0, squares = 0;  ///< planes, those of multiples first
};

PARE_VBMI void make_planes(const CodeTable& table, Planes& planes) {
  std::uint64_t low[kMagnitudes], high[kMagnitudes], all = 0;
  for (std::size_t i = 0; i < kMagnitudes; ++i) {
    all |= table.multiples[i];
    low[i] = table.multiples[i] * table.multiples[i];
  }
  const auto bits = static_cast<std::size_t>(std::bit_width(all));
  planes.multiples = (bits + 7) / 8;
  planes.squares = (2 * bits + 7) / 8;
  if (planes.squares > 7)  // seven bytes are of `low`
    for (std::size_t i = 0; i < kMagnitudes; ++i)
      high[i] = static_cast<std::uint64_t>(static_cast<Unsigned128>(table.multiples[i]) * table.multiples[i] >> 56);
  const auto fill = [](const std::uint64_t* numbers, std::size_t byte, std::uint8_t* to) PARE_VBMI {
    for (std::size_t i = 0; i < kMagnitudes; i += 8)
      _mm_storel_epi64(reinterpret_cast<__m128i*>(to + i),
                       _mm512_cvtepi64_epi8(_mm512_srl_epi64(_mm512_loadu_si512(numbers + i),
                                                             _mm_cvtsi64_si128(static_cast<long long>(8 * byte)))));
  };
  for (std::size_t p = 0; p < planes.multiples; ++p) fill(table.multiples, p, planes.bytes[p]);
  for (std::size_t p = 0; p < planes.squares; ++p) fill(p < 7 ? low : high, p % 7, planes.bytes[planes.multiples + p]);
}

/// Tiles that are looked up together.
struct Tiles {
  __m512i magnitudes[kTiles], signs[kTiles];  ///< signs: 1 or -1 in each byte
  std::size_t count = 0;
};

struct Totals {
  __m512i planes[kMostPlanes + kMostSquarePlanes];
  __m512i largest, largest_unsigned, smallest;
};

/// Counts a tile, all of it or the bytes of the mask, and keeps it for look_up(). Bytes outside the mask are zero.
template <bool kWhole>
PARE_VBMI_INLINE void take(__m512i codes, __mmask64 mask, const CodeTable& table, CodeTally& tally, Totals& totals,
                           Tiles& tiles) {
  const auto bits = [mask](__mmask64 of) PARE_VBMI { return kWhole ? of : of & mask; };
  const auto count = [](__mmask64 of) PARE_VBMI { return static_cast<std::uint64_t>(_mm_popcnt_u64(of)); };
  const __m512i magnitudes = _mm512_and_si512(codes, _mm512_set1_epi8(0x7f));
  const __mmask64 negative = _mm512_movepi8_mask(codes), zeros = bits(_mm512_testn_epi8_mask(magnitudes, magnitudes));
  const __mmask64 above = _mm512_cmpge_epu8_mask(magnitudes, _mm512_set1_epi8(static_cast<char>(table.above)));
  const __mmask64 outside = _mm512_cmpgt_epi8_mask(codes, _mm512_set1_epi8(static_cast<char>(table.inside - 1)));
  tally.above += count(bits(above));
  tally.outside += count(bits(outside));
  tally.negative += count(negative);
  if (zeros != 0) {
    tally.zeros += count(zeros);
    tally.negative_zeros += count(zeros & negative);
  }
  totals.largest = kWhole ? _mm512_max_epi8(totals.largest, codes)
                          : _mm512_mask_max_epi8(totals.largest, mask, totals.largest, codes);
  totals.largest_unsigned = _mm512_max_epu8(totals.largest_unsigned, codes);
  totals.smallest = kWhole ? _mm512_min_epu8(totals.smallest, magnitudes)
                           : _mm512_mask_min_epu8(totals.smallest, mask, totals.smallest, magnitudes);
  tiles.magnitudes[tiles.count] = magnitudes;
  tiles.signs[tiles.count] = _mm512_mask_blend_epi8(negative, _mm512_set1_epi8(1), _mm512_set1_epi8(-1));
  ++tiles.count;
}

/// Adds the planes of kTiles tiles.
PARE_VBMI_INLINE void look_up(const Planes& planes, Tiles& tiles, Totals& totals) {
  for (; tiles.count < kTiles; ++tiles.count)  // zeros add nothing
    tiles.magnitudes[tiles.count] = tiles.signs[tiles.count] = _mm512_setzero_si512();
  const __m512i one = _mm512_set1_epi8(1);
  for (std::size_t p = 0; p < planes.multiples + planes.squares; ++p) {
    const __m512i low = _mm512_load_si512(planes.bytes[p]), high = _mm512_load_si512(planes.bytes[p] + kTile);
    __m512i total = totals.planes[p];
    for (std::size_t i = 0; i < kTiles; ++i)
      total = _mm512_dpbusd_epi32(total, _mm512_permutex2var_epi8(low, tiles.magnitudes[i], high),
                                  p < planes.multiples ? tiles.signs[i] : one);
    totals.planes[p] = total;
  }
  tiles.count = 0;
}

PARE_VBMI void finish(const Planes& planes, const Totals& totals, CodeTally& tally) {
  alignas(16) std::int8_t largest[16];
  alignas(16) std::uint8_t largest_unsigned[16], smallest[16];
  const __m256i a =
      _mm256_max_epi8(_mm512_castsi512_si256(totals.largest), _mm512_extracti64x4_epi64(totals.largest, 1));
  const __m256i b = _mm256_max_epu8(_mm512_castsi512_si256(totals.largest_unsigned),
                                    _mm512_extracti64x4_epi64(totals.largest_unsigned, 1));
  const __m256i c =
      _mm256_min_epu8(_mm512_castsi512_si256(totals.smallest), _mm512_extracti64x4_epi64(totals.smallest, 1));
  _mm_store_si128(reinterpret_cast<__m128i*>(largest),
                  _mm_max_epi8(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1)));
  _mm_store_si128(reinterpret_cast<__m128i*>(largest_unsigned),
                  _mm_max_epu8(_mm256_castsi256_si128(b), _mm256_extracti128_si256(b, 1)));
  _mm_store_si128(reinterpret_cast<__m128i*>(smallest),
                  _mm_min_epu8(_mm256_castsi256_si128(c), _mm256_extracti128_si256(c, 1)));
  const int positive = *std::max_element(largest, largest + 16);
  const int negative = *std::max_element(largest_unsigned, largest_unsigned + 16);
  if (positive >= 0) tally.largest_positive = positive;
  if (negative >= 128) tally.largest_negative = negative - 128;
  tally.smallest = *std::min_element(smallest, smallest + 16);
  for (std::size_t p = planes.multiples; p-- > 0;)
    tally.sum = tally.sum * 256 + _mm512_reduce_add_epi32(totals.planes[p]);
  for (std::size_t p = planes.squares; p-- > 0;)
    tally.squares =
        tally.squares * 256 + static_cast<std::uint32_t>(_mm512_reduce_add_epi32(totals.planes[planes.multiples + p]));
}

}  // namespace

bool has_code_planes() {
  static const bool has = __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512dq") != 0 &&
                          __builtin_cpu_supports("avx512vl") != 0 && __builtin_cpu_supports("avx512vbmi") != 0 &&
                          __builtin_cpu_supports("avx512vnni") != 0;
  return has;
}

PARE_VBMI CodeTally tally_by_planes(const CodeRows& codes, const CodeTable& table) {
  Planes planes;
  make_planes(table, planes);
  CodeTally tally;
  Totals totals;
  for (std::size_t p = 0; p < planes.multiples + planes.squares; ++p) totals.planes[p] = _mm512_setzero_si512();
  totals.largest = _mm512_set1_epi8(-128);
  totals.largest_unsigned = _mm512_setzero_si512();
  totals.smallest = _mm512_set1_epi8(127);
  Tiles tiles;
  for (std::size_t row = 0; row < codes.rows; ++row) {
    const std::byte* bytes = codes.data + row * codes.stride;
    for (std::size_t i = 0; i < codes.columns; i += kTile) {
      if (codes.columns - i >= kTile) {
        take<true>(_mm512_loadu_si512(bytes + i), 0, table, tally, totals, tiles);
      } else {
        const __mmask64 mask = (__mmask64{1} << (codes.columns - i)) - 1;
        take<false>(_mm512_maskz_loadu_epi8(mask, bytes + i), mask, table, tally, totals, tiles);
      }
      // Rows of a block are pages apart, where nothing else fetches ahead. The block to their right is next.
      _mm_prefetch(reinterpret_cast<const char*>(bytes + i + std::min(codes.columns, kAhead)), _MM_HINT_T0);
      if (tiles.count == kTiles) look_up(planes, tiles, totals);
    }
  }
  if (tiles.count != 0) look_up(planes, tiles, totals);
  finish(planes, totals, tally);
  return tally;
}

}  // namespace pare::kernels

#else

namespace pare::kernels {
bool has_code_planes() { return false; }
CodeTally tally_by_planes(const CodeRows&, const CodeTable&) { return {}; }
}  // namespace pare::kernels

#endif
