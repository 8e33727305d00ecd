#include "kernels/block_scan.h"

#include "kernels/targets.h"

#ifndef PARE_KERNELS_TOGETHER
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/block_scan.cpp"  // NOLINT: Highway compiles this file per target
#include <hwy/foreach_target.h>
#endif
// Highway's per-target headers come after foreach_target.h.
#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <algorithm>
#include <limits>
#include <type_traits>

#include "kernels/moments-inl.h"

HWY_BEFORE_NAMESPACE();
namespace pare::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <FloatType kType>
using PatternOf = std::conditional_t<kType == FloatType::kF64, std::uint64_t,
                                     std::conditional_t<kType == FloatType::kF32, std::uint32_t, std::uint16_t>>;

/// counts + 1 in the lanes of the mask.
template <class D>
HWY_INLINE hn::Vec<D> count_lanes(D d, hn::Mask<D> mask, hn::Vec<D> counts) {
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3
  return hn::IfThenElse(mask, hn::Add(counts, hn::Set(d, 1)), counts);  // one masked addition
#else
  return hn::Sub(counts, hn::VecFromMask(d, mask));
#endif
}

template <class D>
std::uint64_t lanes_added(D d, hn::Vec<D> counts) {
  HWY_ALIGN hn::TFromD<D> lanes[hn::MaxLanes(d)];
  hn::Store(counts, d, lanes);
  std::uint64_t total = 0;
  for (const auto lane : lanes) total += lane;
  return total;
}

/// What is collected about the patterns, in every lane. No count exceeds kMostScanned / kLanes, so 16 bits suffice.
template <class U>
class Keys {
  using S = std::make_signed_t<U>;
  using D = hn::CappedTag<U, MomentLanes::kLanes>;
  using DS = hn::Rebind<S, D>;

 public:
  static constexpr std::size_t kVector = hn::MaxLanes(D());

  explicit HWY_INLINE Keys(U cutoff) : cutoff_(hn::Set(D(), cutoff)) {}

  HWY_INLINE void add(const std::byte* data) {
    const D d;
    const DS ds;
    constexpr U kSign = static_cast<U>(U{1} << (sizeof(U) * 8 - 1));
    const auto sign = hn::Set(d, kSign);
    const auto bits = hn::LoadU(d, reinterpret_cast<const U*>(data));
    const auto key = hn::AndNot(sign, bits);
    max_unsigned_ = hn::Max(max_unsigned_, bits);
    max_signed_ = hn::Max(max_signed_, hn::BitCast(ds, bits));
    min_key_ = hn::Min(min_key_, key);
    // Keys are never negative as signed numbers, and signed compares are cheaper before AVX-512.
    above_ = count_lanes(d, hn::RebindMask(d, hn::Gt(hn::BitCast(ds, key), hn::BitCast(ds, cutoff_))), above_);
    inside_ = count_lanes(d, hn::Lt(bits, cutoff_), inside_);
    negative_ = hn::Add(negative_, hn::ShiftRight<sizeof(U) * 8 - 1>(bits));
    zeros_ = count_lanes(d, hn::Eq(key, hn::Zero(d)), zeros_);
    negative_zeros_ = count_lanes(d, hn::Eq(bits, sign), negative_zeros_);
  }

  void finish(BlockScan& scan) const {
    const D d;
    const DS ds;
    HWY_ALIGN U lanes[kVector];
    HWY_ALIGN S signed_lanes[kVector];
    hn::Store(max_unsigned_, d, lanes);
    scan.range.max_unsigned = *std::max_element(lanes, lanes + kVector);
    hn::Store(min_key_, d, lanes);
    scan.range.min_key = *std::min_element(lanes, lanes + kVector);
    hn::Store(max_signed_, ds, signed_lanes);
    const S largest = *std::max_element(signed_lanes, signed_lanes + kVector);
    scan.range.any_positive = largest >= 0;
    scan.range.max_positive = largest >= 0 ? static_cast<std::uint64_t>(largest) : 0;
    scan.range.above = lanes_added(d, above_);
    scan.range.inside = lanes_added(d, inside_);
    scan.range.negative = lanes_added(d, negative_);
    scan.zeros = lanes_added(d, zeros_);
    scan.negative_zeros = lanes_added(d, negative_zeros_);
  }

 private:
  using V = hn::Vec<D>;
  V cutoff_;
  V max_unsigned_ = hn::Zero(D()), min_key_ = hn::Set(D(), std::numeric_limits<U>::max());
  hn::Vec<DS> max_signed_ = hn::Set(DS(), std::numeric_limits<S>::min());
  V above_ = hn::Zero(D()), inside_ = hn::Zero(D()), negative_ = hn::Zero(D());
  V zeros_ = hn::Zero(D()), negative_zeros_ = hn::Zero(D());
};

/// n is a multiple of kLanes, and not 0.
template <FloatType kType>
BlockScan scan_typed(const std::byte* data, std::size_t n, std::uint64_t cutoff, MomentLanes& lanes) {
  using U = PatternOf<kType>;
  constexpr std::size_t kWidth = hn::MaxLanes(DoubleTag()), kParts = MomentLanes::kLanes / kWidth;
  const DoubleTag dd;
  Keys<U> keys(static_cast<U>(cutoff));
  Doubles sum[kParts], squares[kParts];
  for (std::size_t part = 0; part < kParts; ++part) {
    sum[part] = hn::Load(dd, lanes.sum + part * kWidth);
    squares[part] = hn::Load(dd, lanes.squares + part * kWidth);
  }
  for (std::size_t i = 0; i < n; i += MomentLanes::kLanes) {
    // This block is already in cache, so memory would idle: prefetch the next one.
    hwy::Prefetch(data + i * sizeof(U) + kMomentLookahead);
    for (std::size_t lane = 0; lane < MomentLanes::kLanes; lane += Keys<U>::kVector)
      keys.add(data + (i + lane) * sizeof(U));
    for (std::size_t part = 0; part < kParts; ++part) {
      const auto value = load_doubles<kType>(data, i + part * kWidth);
      sum[part] = hn::Add(sum[part], value);
      squares[part] = add_square<kType>(value, squares[part]);
    }
  }
  for (std::size_t part = 0; part < kParts; ++part) {
    hn::Store(sum[part], dd, lanes.sum + part * kWidth);
    hn::Store(squares[part], dd, lanes.squares + part * kWidth);
  }
  BlockScan scan;
  keys.finish(scan);
  return scan;
}

BlockScan ScanBlockTarget(FloatType type, const std::byte* data, std::size_t n, std::uint64_t cutoff,
                          MomentLanes& lanes) {
  switch (type) {
    case FloatType::kF64:
      return scan_typed<FloatType::kF64>(data, n, cutoff, lanes);
    case FloatType::kF32:
      return scan_typed<FloatType::kF32>(data, n, cutoff, lanes);
    case FloatType::kF16:
      return scan_typed<FloatType::kF16>(data, n, cutoff, lanes);
    default:
      return scan_typed<FloatType::kBF16>(data, n, cutoff, lanes);
  }
}

}  // namespace pare::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pare::kernels {
namespace {

HWY_EXPORT(ScanBlockTarget);

struct Layout {
  Width width;
  std::uint64_t finite_max;
};

Layout layout_of(FloatType type) {
  switch (type) {
    case FloatType::kF64:
      return {Width::k64, 0x7FEFFFFFFFFFFFFF};
    case FloatType::kF32:
      return {Width::k32, 0x7F7FFFFF};
    case FloatType::kF16:
      return {Width::k16, 0x7BFF};
    default:
      return {Width::k16, 0x7F7F};
  }
}

}  // namespace

void merge(const KeyRange& rest, KeyRange& range) {
  range.max_unsigned = std::max(range.max_unsigned, rest.max_unsigned);
  range.max_positive = std::max(range.max_positive, rest.max_positive);
  range.any_positive = range.any_positive || rest.any_positive;
  range.min_key = std::min(range.min_key, rest.min_key);
  range.above += rest.above;
  range.inside += rest.inside;
  range.negative += rest.negative;
}

BlockScan scan_block(FloatType type, const std::byte* data, std::size_t n, std::uint64_t cutoff, MomentLanes& lanes) {
  const Layout layout = layout_of(type);
  const std::size_t size = static_cast<std::size_t>(layout.width), whole = n - n % MomentLanes::kLanes;
  const std::uint64_t sign = std::uint64_t{1} << (8 * size - 1);
  const MomentLanes before = lanes;
  BlockScan scan;
  if (whole != 0) scan = PARE_DISPATCH(ScanBlockTarget)(type, data, whole, cutoff, lanes);
  const std::byte* rest = data + whole * size;
  if (whole != n) {
    merge(key_range(layout.width, rest, n - whole, cutoff), scan.range);
    scan.zeros += count_rank(layout.width, rest, n - whole, 1).below;
    scan.negative_zeros += count_pattern(layout.width, rest, n - whole, sign);
  }
  scan.finite = std::max(scan.range.max_unsigned & ~sign, scan.range.max_positive) <= layout.finite_max;
  if (!scan.finite) {
    lanes = before;
    add_moments(type, data, n, true, lanes);
  } else if (whole != n) {
    add_moments(type, rest, n - whole, false, lanes);
  }
  return scan;
}

}  // namespace pare::kernels
#endif
