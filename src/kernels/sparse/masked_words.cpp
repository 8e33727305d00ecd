#include "kernels/sparse/masked_words.h"

#if defined(__x86_64__)

// GCC 12 warns of its own header (its bug 105593).
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop

#include <bit>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "kernels/one_to_four.h"

// Highway has no operation for it, so this file is for one instruction set and uses its intrinsics.
#define PARE_VBMI2 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi2,fma,popcnt")))
#define PARE_VBMI2_INLINE PARE_VBMI2 inline __attribute__((always_inline))

namespace pare::kernels {
namespace {

constexpr std::size_t kBlocks = 4;  ///< a sum waits for its last multiply-add, so several are computed in turn

/// The weights of `mask`, each at its place of 32.
PARE_VBMI2_INLINE __m512i spread(const std::uint16_t* packed, std::uint32_t mask) {
  __m512i words = _mm512_loadu_si512(packed);
  asm("" : "+v"(words));  // or GCC gives the instruction an operand in memory, which is many times slower
  __m512i zeros;          // AMD's Zen 5 waits for what was in the result's register, even where it is not kept
  asm("vpxorq %0, %0, %0" : "=v"(zeros));
  return _mm512_mask_expand_epi16(zeros, mask, words);
}

/// The first and the second 16 of 32 numbers as F32.
struct Two {
  __m512 first, second;
};

struct Bf16Words {
  static PARE_VBMI2_INLINE Two widen(__m512i words) {
    // A word becomes the upper half of a float; the lower half is zero.
    const __m512i even = _mm512_set_epi16(15, 0, 14, 0, 13, 0, 12, 0, 11, 0, 10, 0, 9, 0, 8, 0, 7, 0, 6, 0, 5, 0, 4, 0,
                                          3, 0, 2, 0, 1, 0, 0, 0);
    constexpr __mmask32 kUpper = 0xAAAAAAAAU;
    const __m512i odd = _mm512_add_epi16(even, _mm512_set1_epi16(16));
    return {_mm512_castsi512_ps(_mm512_maskz_permutexvar_epi16(kUpper, even, words)),
            _mm512_castsi512_ps(_mm512_maskz_permutexvar_epi16(kUpper, odd, words))};
  }
};

struct F16Words {
  static PARE_VBMI2_INLINE Two widen(__m512i words) {
    return {_mm512_cvtph_ps(_mm512_castsi512_si256(words)), _mm512_cvtph_ps(_mm512_extracti64x4_epi64(words, 1))};
  }
};

/// kSome blocks next to each other.
template <class Words, std::size_t kRows, std::size_t kSome>
__attribute__((optimize("no-tree-slp-vectorize"))) PARE_VBMI2 void some_blocks(const MaskedOutputs* blocks,
                                                                               const float* x, std::size_t x_stride,
                                                                               const float* bias, float* y,
                                                                               std::size_t y_stride) {
  __m512 sum[kSome][kRows];
  const std::uint16_t* packed[kSome];
  for (std::size_t b = 0; b < kSome; ++b) {
    packed[b] = reinterpret_cast<const std::uint16_t*>(blocks[b].weights);
    for (std::size_t r = 0; r < kRows; ++r) sum[b][r] = _mm512_setzero_ps();
  }
  const std::size_t in = blocks[0].in;
  // The next blocks follow in memory, but in too many and too short stretches for the hardware to foresee them.
  const std::ptrdiff_t ahead = (blocks[kSome - 1].weights - blocks[0].weights) * 4 / 3;
  constexpr std::size_t kMasksOfLine = 32;
  for (std::size_t k = 0; k + 2 <= in; k += 2) {
    if (kSome > 1 && k % kMasksOfLine == 0)
      for (std::size_t b = 0; b < kSome; ++b) __builtin_prefetch(blocks[b].masks + k + kSome * in);
    for (std::size_t b = 0; b < kSome; ++b) {
      if (kSome > 1) __builtin_prefetch(reinterpret_cast<const std::byte*>(packed[b]) + ahead);
      std::uint32_t mask;
      std::memcpy(&mask, blocks[b].masks + k, sizeof mask);
      const Two weights = Words::widen(spread(packed[b], mask));
      packed[b] += std::popcount(mask);
      for (std::size_t r = 0; r < kRows; ++r) {
        sum[b][r] = _mm512_fmadd_ps(_mm512_set1_ps(x[r * x_stride + k]), weights.first, sum[b][r]);
        sum[b][r] = _mm512_fmadd_ps(_mm512_set1_ps(x[r * x_stride + k + 1]), weights.second, sum[b][r]);
      }
    }
  }
  for (std::size_t b = 0; b < kSome; ++b) {
    const auto wanted = static_cast<__mmask16>((std::uint32_t{1} << blocks[b].outputs) - 1);
    if (in % 2 != 0) {
      const std::uint32_t mask = blocks[b].masks[in - 1];
      const Two weights = Words::widen(spread(packed[b], mask));
      for (std::size_t r = 0; r < kRows; ++r)
        sum[b][r] = _mm512_fmadd_ps(_mm512_set1_ps(x[r * x_stride + in - 1]), weights.first, sum[b][r]);
    }
    const std::size_t output = b * kSliceOutputs;
    const __m512 more = bias == nullptr ? _mm512_setzero_ps() : _mm512_maskz_loadu_ps(wanted, bias + output);
    for (std::size_t r = 0; r < kRows; ++r)
      _mm512_mask_storeu_ps(y + r * y_stride + output, wanted, _mm512_add_ps(sum[b][r], more));
  }
}

template <class Words, std::size_t kRows>
void all_blocks(const MaskedOutputs* blocks, std::size_t count, const float* x, std::size_t x_stride, const float* bias,
                float* y, std::size_t y_stride) {
  const auto some = [&]<std::size_t kSome>(std::integral_constant<std::size_t, kSome>) {
    some_blocks<Words, kRows, kSome>(blocks, x, x_stride, bias, y, y_stride);
    blocks += kSome;
    count -= kSome;
    bias = bias == nullptr ? nullptr : bias + kSome * kSliceOutputs;
    y += kSome * kSliceOutputs;
  };
  while (count >= kBlocks) some(std::integral_constant<std::size_t, kBlocks>());
  with_constant(count, some);
}

template <class Words>
void multiply(const MaskedOutputs* blocks, std::size_t count, const float* x, std::size_t rows, std::size_t x_stride,
              const float* bias, float* y, std::size_t y_stride) {
  with_constant(rows, [&](auto n) { all_blocks<Words, n()>(blocks, count, x, x_stride, bias, y, y_stride); });
}

}  // namespace

bool has_masked_words() {
  static const bool has = __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512dq") != 0 &&
                          __builtin_cpu_supports("avx512vl") != 0 && __builtin_cpu_supports("avx512vbmi2") != 0;
  return has;
}

void multiply_masked_words(const MaskedOutputs* blocks, std::size_t count, const float* x, std::size_t rows,
                           std::size_t x_stride, const float* bias, float* y, std::size_t y_stride) {
  if (count == 0) return;
  if (blocks->type == FloatType::kBF16)
    multiply<Bf16Words>(blocks, count, x, rows, x_stride, bias, y, y_stride);
  else
    multiply<F16Words>(blocks, count, x, rows, x_stride, bias, y, y_stride);
}

}  // namespace pare::kernels

#else

namespace pare::kernels {

bool has_masked_words() { return false; }
void multiply_masked_words(const MaskedOutputs*, std::size_t, const float*, std::size_t, std::size_t, const float*,
                           float*, std::size_t) {}

}  // namespace pare::kernels

#endif
