#include "kernels/nonzero.h"

#include "kernels/targets.h"

#ifndef PARE_KERNELS_TOGETHER
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/nonzero.cpp"  // NOLINT: Highway compiles this file per target
#include <hwy/foreach_target.h>
#endif
// Highway's per-target headers come after foreach_target.h.
#include <hwy/highway.h>

#include <bit>
#include <cstring>

#include "kernels/elements-inl.h"

HWY_BEFORE_NAMESPACE();
namespace pare::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// Number of elements whose bits fill whole bytes: those of a vector, or eight.
template <class D>
HWY_INLINE std::size_t step(D d) {
  return HWY_MAX(hn::Lanes(d), std::size_t{8});
}

template <class U>
void nonzero_bits_of(const std::byte* data, std::size_t n, std::uint8_t* bits) {
  const hn::ScalableTag<U> d;
  const std::size_t lanes = hn::Lanes(d), elements = step(d);
  const auto zero = hn::Zero(d);
  std::uint8_t buffer[HWY_MAX(HWY_MAX_BYTES / 8, 8)] = {};  // StoreMaskBits may write eight bytes
  std::size_t i = 0;
  for (; i + elements <= n; i += elements, bits += elements / 8) {
    if (lanes >= 8) {
      hn::StoreMaskBits(d, hn::Ne(hn::LoadU(d, reinterpret_cast<const U*>(data) + i), zero), buffer);
      std::memcpy(bits, buffer, lanes / 8);
    } else {
      unsigned byte = 0;
      for (std::size_t k = 0; k < 8; k += lanes) {
        hn::StoreMaskBits(d, hn::Ne(hn::LoadU(d, reinterpret_cast<const U*>(data) + i + k), zero), buffer);
        byte |= static_cast<unsigned>(buffer[0]) << k;
      }
      *bits = static_cast<std::uint8_t>(byte);
    }
  }
  for (; i < n; i += 8) {
    unsigned byte = 0;
    for (std::size_t k = 0; k < 8 && i + k < n; ++k) byte |= (load_one<U>(data, i + k) != 0 ? 1U : 0U) << k;
    *bits++ = static_cast<std::uint8_t>(byte);
  }
}

/// Up to eight elements, or bytes, for which Highway has no Compress.
template <class U>
HWY_INLINE std::size_t compress_few(const std::byte* data, unsigned bits, std::byte* values) {
  std::size_t count = 0;
  for (; bits != 0; bits &= bits - 1)
    store_one(values, count++, load_one<U>(data, static_cast<std::size_t>(std::countr_zero(bits))));
  return count;
}

/// Not Highway's CompressBitsStore: compressing straight to memory takes a hundred cycles on some processors.
template <class D, class V>
HWY_INLINE void store_compressed(D d, V v, const std::uint8_t* bits, std::byte* values, std::size_t& count) {
  hn::StoreU(hn::CompressBits(v, bits), d, reinterpret_cast<hn::TFromD<D>*>(values) + count);
  std::uint64_t word = 0;
  std::memcpy(&word, bits, (HWY_MIN(hn::Lanes(d), std::size_t{64}) + 7) / 8);
  count += static_cast<std::size_t>(std::popcount(word));
}

template <class U>
std::size_t compress_of(const std::byte* data, std::size_t n, const std::uint8_t* bits, std::byte* values) {
  std::size_t count = 0, i = 0;
  if constexpr (sizeof(U) > 1) {
    const hn::ScalableTag<U> d;
    const std::size_t lanes = hn::Lanes(d), elements = step(d);
    std::uint8_t buffer[HWY_MAX(HWY_MAX_BYTES / 8, 8)] = {};  // CompressBits may read eight bytes
    for (; i + elements <= n; i += elements) {
      const U* from = reinterpret_cast<const U*>(data) + i;
      if (lanes >= 8) {
        std::memcpy(buffer, bits + i / 8, lanes / 8);
        store_compressed(d, hn::LoadU(d, from), buffer, values, count);
      } else {
        for (std::size_t k = 0; k < 8; k += lanes) {
          buffer[0] = static_cast<std::uint8_t>((bits[i / 8] >> k) & ((1U << lanes) - 1));
          store_compressed(d, hn::LoadU(d, from + k), buffer, values, count);
        }
      }
    }
  }
  for (; i < n; i += 8) count += compress_few<U>(data + i * sizeof(U), bits[i / 8], values + count * sizeof(U));
  return count;
}

template <class U>
std::size_t expand_of(const std::uint8_t* bits, std::size_t n, const std::byte* values, std::byte* data) {
  std::size_t count = 0;
  if (n != 0) std::memset(data, 0, n * sizeof(U));
  for (std::size_t i = 0; i < n; i += 64) {
    std::uint64_t word = 0;
    std::memcpy(&word, bits + i / 8, (HWY_MIN(n - i, std::size_t{64}) + 7) / 8);
    for (; word != 0; word &= word - 1)
      store_one(data, i + static_cast<std::size_t>(std::countr_zero(word)), load_one<U>(values, count++));
  }
  return count;
}

void NonzeroBitsTarget(Width width, const std::byte* data, std::size_t n, std::uint8_t* bits) {
  with_width(width, [&](auto zero) { nonzero_bits_of<decltype(zero)>(data, n, bits); });
}
std::size_t CompressTarget(Width width, const std::byte* data, std::size_t n, const std::uint8_t* bits,
                           std::byte* values) {
  return with_width(width, [&](auto zero) { return compress_of<decltype(zero)>(data, n, bits, values); });
}
std::size_t ExpandTarget(Width width, const std::uint8_t* bits, std::size_t n, const std::byte* values,
                         std::byte* data) {
  return with_width(width, [&](auto zero) { return expand_of<decltype(zero)>(bits, n, values, data); });
}

}  // namespace pare::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pare::kernels {
namespace {
HWY_EXPORT(NonzeroBitsTarget);
HWY_EXPORT(CompressTarget);
HWY_EXPORT(ExpandTarget);
}  // namespace

void nonzero_bits(Width width, const std::byte* data, std::size_t n, std::uint8_t* bits) {
  PARE_DISPATCH(NonzeroBitsTarget)(width, data, n, bits);
}
std::size_t compress(Width width, const std::byte* data, std::size_t n, const std::uint8_t* bits, std::byte* values) {
  return PARE_DISPATCH(CompressTarget)(width, data, n, bits, values);
}
std::size_t expand(Width width, const std::uint8_t* bits, std::size_t n, const std::byte* values, std::byte* data) {
  return PARE_DISPATCH(ExpandTarget)(width, bits, n, values, data);
}

}  // namespace pare::kernels
#endif
