#include "kernels/pick_leading.h"

#include "kernels/targets.h"

#ifndef PARE_KERNELS_TOGETHER
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/pick_leading.cpp"  // NOLINT: Highway compiles this file per target
#include <hwy/foreach_target.h>
#endif
// Highway's per-target headers come after foreach_target.h.
#include <hwy/highway.h>

#include <cstring>

#include "kernels/elements-inl.h"

HWY_BEFORE_NAMESPACE();
namespace pare::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr std::uint32_t kLeadingMagnitude = 0x7fff0000;

#if HWY_TARGET != HWY_SCALAR
/// The leading bits of two vectors as 16-bit numbers, those of `a` in the lower halves.
template <class D, class V>
HWY_INLINE auto leading_pair(D d, V a, V b) {
  const hn::Repartition<std::uint16_t, D> halves;
  const auto pair = hn::Or(hn::ShiftRight<16>(a), hn::AndNot(hn::Set(d, 0xffff), b));
  return hn::And(hn::BitCast(halves, pair), hn::Set(halves, 0x7fff));
}

/// Stores a whole vector and moves on by the number of hits, for which a half of `misses` is 0. Hits come at random, so
/// there is no branch on them.
template <class D, class V>
HWY_INLINE void store_picked(D d, V v, V misses, std::uint32_t* found, std::size_t& count) {
  const auto hit = hn::Eq(misses, hn::Zero(d));
  hn::StoreU(hn::Compress(v, hit), d, found + count);
  count += hn::CountTrue(d, hit);
}

/// The least of the differences from all bins is 0 where one of them is equal. Bins are read once for four vectors.
/// Returns how many elements it has dealt with.
HWY_INLINE std::size_t pick_vectors(const std::byte* data, std::size_t n, std::span<const std::uint32_t> bins,
                                    std::uint32_t* found, std::size_t& count) {
  const hn::ScalableTag<std::uint32_t> d;
  const hn::Repartition<std::uint16_t, decltype(d)> halves;
  const std::size_t lanes = hn::Lanes(d);
  const auto lower = hn::Set(d, 0xffff);
  const auto* patterns = reinterpret_cast<const std::uint32_t*>(data);
  std::size_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    const auto a = hn::LoadU(d, patterns + i), b = hn::LoadU(d, patterns + i + lanes);
    const auto e = hn::LoadU(d, patterns + i + 2 * lanes), f = hn::LoadU(d, patterns + i + 3 * lanes);
    const auto leading_ab = leading_pair(d, a, b), leading_ef = leading_pair(d, e, f);
    auto least_ab = hn::Set(halves, 0xffff), least_ef = least_ab;
    for (const std::uint32_t bin : bins) {
      const auto wanted = hn::Set(halves, static_cast<std::uint16_t>(bin));
      least_ab = hn::Min(least_ab, hn::Xor(leading_ab, wanted));
      least_ef = hn::Min(least_ef, hn::Xor(leading_ef, wanted));
    }
    const auto misses_ab = hn::BitCast(d, least_ab), misses_ef = hn::BitCast(d, least_ef);
    store_picked(d, a, hn::And(misses_ab, lower), found, count);
    store_picked(d, b, hn::AndNot(lower, misses_ab), found, count);
    store_picked(d, e, hn::And(misses_ef, lower), found, count);
    store_picked(d, f, hn::AndNot(lower, misses_ef), found, count);
  }
  return i;
}
#endif

std::size_t PickLeadingTarget(const std::byte* data, std::size_t n, std::span<const std::uint32_t> bins,
                              std::uint32_t* found) {
  std::size_t count = 0, i = 0;
#if HWY_TARGET != HWY_SCALAR  // it has no vectors of halves
  i = pick_vectors(data, n, bins, found, count);
#endif
  for (; i < n; ++i) {
    const auto pattern = load_one<std::uint32_t>(data, i);
    found[count] = pattern;
    bool hit = false;
    for (const std::uint32_t bin : bins) hit = hit || (pattern & kLeadingMagnitude) == bin << 16;
    count += hit ? 1 : 0;
  }
  return count;
}

}  // namespace pare::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pare::kernels {
namespace {
HWY_EXPORT(PickLeadingTarget);
}  // namespace

std::size_t pick_leading(const std::byte* data, std::size_t n, std::span<const std::uint32_t> bins,
                         std::uint32_t* found) {
  return PARE_DISPATCH(PickLeadingTarget)(data, n, bins, found);
}

}  // namespace pare::kernels
#endif
