#include "kernels/sparse.h"
#include "kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/sparse_masked.cpp"  // NOLINT: Highway compiles this file per target
#include <hwy/foreach_target.h>
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

using Eight = hn::CappedTag<float, 8>;
using Vec8 = hn::Vec<Eight>;

/// The weights of 8 outputs: those of `mask` taken from `packed` in order, 0 for the others. A table and a permutation
/// are faster than AVX-512's own instruction for it on the processors measured, and AVX2 has them as well.
template <class W>
HWY_INLINE Vec8 expand(const typename W::Element* packed, std::uint32_t mask) {
  const Eight d;
  const hn::RebindToSigned<Eight> di;
  const hn::Rebind<std::int8_t, Eight> bytes;
  const auto places = hn::PromoteTo(di, hn::LoadU(bytes, reinterpret_cast<const std::int8_t*>(&kPlaces[mask])));
  const auto index = hn::IndicesFromVec(d, hn::And(places, hn::Set(di, 7)));
  return hn::IfNegativeThenElse(hn::BitCast(d, places), hn::Zero(d), hn::TableLookupLanes(W::load(d, packed), index));
}

template <class W, std::size_t kRows>
void masked_rows(const MaskedOutputs& block, const typename W::Element* packed, const float* x, std::size_t x_stride,
                 const float* bias, float* y, std::size_t y_stride) {
  const Eight d;
  Vec8 sum[kRows][2];
  for (auto& row : sum) row[0] = row[1] = hn::Zero(d);
  for (std::size_t k = 0; k < block.in; ++k) {
    const std::uint32_t mask = block.masks[k], low = mask & 0xFF, high = mask >> 8;
    const Vec8 first = expand<W>(packed, low), second = expand<W>(packed + std::popcount(low), high);
    packed += std::popcount(mask);
    for (std::size_t r = 0; r < kRows; ++r) {
      const Vec8 factor = hn::Set(d, x[r * x_stride + k]);
      sum[r][0] = hn::MulAdd(factor, first, sum[r][0]);
      sum[r][1] = hn::MulAdd(factor, second, sum[r][1]);
    }
  }
  for (std::size_t r = 0; r < kRows; ++r) {
    alignas(32) float found[kSliceOutputs];
    hn::Store(sum[r][0], d, found);
    hn::Store(sum[r][1], d, found + 8);
    for (std::size_t o = 0; o < block.outputs; ++o) y[r * y_stride + o] = found[o] + (bias == nullptr ? 0 : bias[o]);
  }
}

#else  // for vectors of 16 bytes, tables of 8 outputs gain nothing

template <class W, std::size_t kRows>
void masked_rows(const MaskedOutputs& block, const typename W::Element* packed, const float* x, std::size_t x_stride,
                 const float* bias, float* y, std::size_t y_stride) {
  float sum[kRows][kSliceOutputs] = {};
  const hn::CappedTag<float, 4> d;
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
    for (std::size_t o = 0; o < block.outputs; ++o) y[r * y_stride + o] = sum[r][o] + (bias == nullptr ? 0 : bias[o]);
}

#endif

void MaskedTarget(const MaskedOutputs& block, const float* x, std::size_t rows, std::size_t x_stride, const float* bias,
                  float* y, std::size_t y_stride) {
  with_weights(block.type, block.weights, [&](auto type, const auto* packed) {
    using W = decltype(type);
    switch (rows) {
      case 1:
        return masked_rows<W, 1>(block, packed, x, x_stride, bias, y, y_stride);
      case 2:
        return masked_rows<W, 2>(block, packed, x, x_stride, bias, y, y_stride);
      case 3:
        return masked_rows<W, 3>(block, packed, x, x_stride, bias, y, y_stride);
      default:
        return masked_rows<W, kMaskedRows>(block, packed, x, x_stride, bias, y, y_stride);
    }
  });
}

}  // namespace pare::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pare::kernels {
namespace {
HWY_EXPORT(MaskedTarget);
}  // namespace

void multiply_masked(const MaskedOutputs& block, const float* x, std::size_t rows, std::size_t x_stride,
                     const float* bias, float* y, std::size_t y_stride) {
  PARE_DISPATCH(MaskedTarget)(block, x, rows, x_stride, bias, y, y_stride);
}

}  // namespace pare::kernels
#endif
