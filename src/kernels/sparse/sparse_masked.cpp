#include "kernels/one_to_four.h"
#include "kernels/sparse/masked_words.h"
#include "kernels/sparse/sparse.h"
#include "kernels/targets.h"

#ifndef PARE_KERNELS_TOGETHER
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/sparse/sparse_masked.cpp"  // NOLINT: Highway compiles this file per target
#include <hwy/foreach_target.h>
#endif
// Highway's per-target headers come after foreach_target.h.
#include <hwy/highway.h>

#include <array>
#include <bit>
#include <type_traits>

#include "kernels/weights-inl.h"

#ifndef PARE_MASKED_ONCE
#define PARE_MASKED_ONCE
namespace pare::kernels {

/// For each mask of 8 bits: the packed weight that each output takes, byte by byte; 0x80 for an output without one.
constexpr std::array<std::uint64_t, 256> kPlaces = [] {
  std::array<std::uint64_t, 256> places{};
  for (unsigned mask = 0; mask < 256; ++mask) {
    std::uint64_t next = 0;
    for (unsigned bit = 0; bit < 8; ++bit) {
      const std::uint64_t place = (mask >> bit & 1) != 0 ? next++ : 0x80;
      places[mask] |= place << (8 * bit);
    }
  }
  return places;
}();

}  // namespace pare::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace pare::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

#if HWY_MAX_BYTES >= 32

/// The weights of 8 outputs: those of `mask` taken from `packed` in order, 0 for the others. A table and a permutation
/// are faster than AVX-512's own instruction for it on the processors measured, and AVX2 has them as well.
struct ByTable {
  using D = hn::CappedTag<float, 8>;
  static constexpr std::size_t kBlocks = 1;  ///< as fast as several
  template <class W>
  static HWY_INLINE hn::Vec<D> expand(const typename W::Element* packed, std::uint32_t mask) {
    const D d;
    const hn::RebindToSigned<D> di;
    const hn::Rebind<std::int8_t, D> bytes;
    const auto places = hn::PromoteTo(di, hn::LoadU(bytes, reinterpret_cast<const std::int8_t*>(&kPlaces[mask])));
    const auto index = hn::IndicesFromVec(d, hn::And(places, hn::Set(di, 7)));
    return hn::IfNegativeThenElse(hn::BitCast(d, places), hn::Zero(d), hn::TableLookupLanes(W::load(d, packed), index));
  }
};

#if HWY_TARGET <= HWY_AVX3 && HWY_ARCH_X86

/// The same for 16 outputs by that instruction, which is faster for 16-bit weights. With an operand in memory it is
/// many times slower, and with one that keeps nothing of its result's register AMD's Zen 5 still waits for that
/// register.
struct ByInstruction {
  using D = hn::ScalableTag<float>;
  static constexpr std::size_t kBlocks = 4;  ///< a sum waits for its last multiply-add, so several are computed in turn
  template <class W>
  static HWY_INLINE hn::Vec<D> expand(const typename W::Element* packed, std::uint32_t mask) {
    __m512 zeros, values = W::load(D(), packed).raw;
    asm("vpxorq %0, %0, %0" : "=v"(zeros));
    asm("" : "+v"(values));
    return {_mm512_mask_expand_ps(zeros, static_cast<__mmask16>(mask), values)};
  }
};

template <class W>
using Expansion = std::conditional_t<sizeof(typename W::Element) == 2, ByInstruction, ByTable>;

#else

template <class W>
using Expansion = ByTable;

#endif

/// kBlocks blocks, next to each other.
template <class W, std::size_t kRows, std::size_t kBlocks>
void masked_rows(const MaskedOutputs* blocks, const float* x, std::size_t x_stride, const float* bias, float* y,
                 std::size_t y_stride) {
  using D = typename Expansion<W>::D;
  constexpr std::size_t kLanes = hn::MaxLanes(D()), kParts = kSliceOutputs / kLanes;
  constexpr std::uint32_t kMask = (std::uint32_t{1} << kLanes) - 1;
  const D d;
  hn::Vec<D> sum[kBlocks][kRows][kParts];
  const typename W::Element* packed[kBlocks];
  for (std::size_t b = 0; b < kBlocks; ++b) {
    packed[b] = reinterpret_cast<const typename W::Element*>(blocks[b].weights);
    for (auto& row : sum[b])
      for (auto& part : row) part = hn::Zero(d);
  }
  for (std::size_t k = 0; k < blocks[0].in; ++k)
    for (std::size_t b = 0; b < kBlocks; ++b) {
      const std::uint32_t mask = blocks[b].masks[k];
      for (std::size_t p = 0; p < kParts; ++p) {
        const std::uint32_t part = mask >> (p * kLanes) & kMask;
        const auto weights = Expansion<W>::template expand<W>(packed[b], part);
        packed[b] += std::popcount(part);
        for (std::size_t r = 0; r < kRows; ++r)
          sum[b][r][p] = hn::MulAdd(hn::Set(d, x[r * x_stride + k]), weights, sum[b][r][p]);
      }
    }
  for (std::size_t b = 0; b < kBlocks; ++b)
    for (std::size_t r = 0; r < kRows; ++r) {
      alignas(64) float found[kSliceOutputs];
      for (std::size_t p = 0; p < kParts; ++p) hn::Store(sum[b][r][p], d, found + p * kLanes);
      for (std::size_t o = 0; o < blocks[b].outputs; ++o) {
        const std::size_t output = b * kSliceOutputs + o;
        y[r * y_stride + output] = found[o] + (bias == nullptr ? 0 : bias[output]);
      }
    }
}

#else  // for vectors of 16 bytes, tables of 8 outputs gain nothing

template <class W>
struct Expansion {
  static constexpr std::size_t kBlocks = 1;
};

template <class W, std::size_t kRows, std::size_t kBlocks>
void masked_rows(const MaskedOutputs* blocks, const float* x, std::size_t x_stride, const float* bias, float* y,
                 std::size_t y_stride) {
  const hn::CappedTag<float, 4> d;
  for (std::size_t b = 0; b < kBlocks; ++b) {
    const MaskedOutputs& block = blocks[b];
    const auto* packed = reinterpret_cast<const typename W::Element*>(block.weights);
    float sum[kRows][kSliceOutputs] = {};
    for (std::size_t k = 0; k < block.in; ++k) {
      const std::uint32_t all = block.masks[k];
      if (all == 0) continue;
      HWY_ALIGN float room[kSliceOutputs];
      const float* weights = widened<W>(d, packed, kSliceOutputs, room);
      for (std::uint32_t mask = all; mask != 0; mask &= mask - 1, ++weights)
        for (std::size_t r = 0; r < kRows; ++r) sum[r][std::countr_zero(mask)] += x[r * x_stride + k] * *weights;
      packed += std::popcount(all);
    }
    for (std::size_t r = 0; r < kRows; ++r)
      for (std::size_t o = 0; o < block.outputs; ++o) {
        const std::size_t output = b * kSliceOutputs + o;
        y[r * y_stride + output] = sum[r][o] + (bias == nullptr ? 0 : bias[output]);
      }
  }
}

#endif

template <class W, std::size_t kRows>
void all_blocks(const MaskedOutputs* blocks, std::size_t count, const float* x, std::size_t x_stride, const float* bias,
                float* y, std::size_t y_stride) {
  constexpr std::size_t kBlocks = Expansion<W>::kBlocks;
  const auto multiply = [&](auto together, std::size_t b) HWY_ATTR {
    const std::size_t output = b * kSliceOutputs;
    masked_rows<W, kRows, together()>(blocks + b, x, x_stride, bias == nullptr ? nullptr : bias + output, y + output,
                                      y_stride);
  };
  std::size_t b = 0;
  for (; b + kBlocks <= count; b += kBlocks) multiply(std::integral_constant<std::size_t, kBlocks>(), b);
  for (; b < count; ++b) multiply(std::integral_constant<std::size_t, 1>(), b);
}

void MaskedTarget(const MaskedOutputs* blocks, std::size_t count, const float* x, std::size_t rows,
                  std::size_t x_stride, const float* bias, float* y, std::size_t y_stride) {
  if (count == 0) return;
#if HWY_TARGET <= HWY_AVX3 && HWY_ARCH_X86
  if (weight_bytes(blocks->type) == 2 && takes_masked_words())
    return multiply_masked_words(blocks, count, x, rows, x_stride, bias, y, y_stride);
#endif
  with_weights(blocks->type, blocks->weights, [&](auto type, const auto*) {
    with_constant(rows,
                  [&](auto n) { all_blocks<decltype(type), n()>(blocks, count, x, x_stride, bias, y, y_stride); });
  });
}

}  // namespace pare::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pare::kernels {
namespace {
HWY_EXPORT(MaskedTarget);
}  // namespace

void multiply_masked(const MaskedOutputs* blocks, std::size_t count, const float* x, std::size_t rows,
                     std::size_t x_stride, const float* bias, float* y, std::size_t y_stride) {
  PARE_DISPATCH(MaskedTarget)(blocks, count, x, rows, x_stride, bias, y, y_stride);
}

}  // namespace pare::kernels
#endif
