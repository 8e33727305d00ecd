// Elements are scale * q + low, and rise with q. So a cutoff is a limit of q for each group of elements, which is
// compared with 16 to 64 numbers at once, and sums are those of small integers. Elements are computed only where an
// extreme may be, and where the rule does not hold.
#include "kernels/quants/block_fold.h"

#include "kernels/targets.h"

#ifndef PARE_KERNELS_TOGETHER
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/quants/block_fold.cpp"  // NOLINT: Highway compiles this file per target
#include <hwy/foreach_target.h>
#endif
// Highway's per-target headers come after foreach_target.h.
#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <limits>

#include "kernels/quants/block_counts-inl.h"
#include "kernels/quants/scan_values.h"
#include "kernels/quants/wide/vbmi.h"
#include "kernels/quants/wide/wide_fold.h"

HWY_BEFORE_NAMESPACE();
namespace pare::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// Whether a number may be 0. The values of IQ4_NL and IQ4_XS have no zero.
template <class B>
constexpr bool kMayBeZero = true;
template <>
constexpr bool kMayBeZero<IQ4_NL> = false;
template <>
constexpr bool kMayBeZero<IQ4_XS> = false;

/// Whether a batch may have a new extreme.
template <class B>
HWY_INLINE bool may_extend(const Batch& batch, const Extremes& extremes) {
  // Otherwise a zero may be one.
  if (B::kLows || extremes.nearest != 0 || extremes.smaller() <= 0) return true;
  constexpr std::size_t kSize = kGroupSizeOf<B>;
  alignas(16) std::int8_t levels[kGroups];
  find_extreme_levels<B::kMost>(batch, extremes, levels);
#if HWY_TARGET == HWY_SCALAR
  for (std::size_t i = 0; i < kGroups * kSize; ++i)
    if (std::abs(batch.q[i]) > levels[i / kSize]) return true;
  return false;
#else
  const NumberTag d;
  auto beyond = hn::Zero(d);
  for (std::size_t i = 0; i < kGroups * kSize; i += hn::Lanes(d)) {
    const auto groups = hn::Load(d, kGroupOf<kSize>.group + i);
    const auto level = hn::TableLookupBytes(hn::LoadDup128(d, levels), groups);
    beyond = hn::Max(beyond, hn::SaturatedSub(hn::Abs(hn::Load(d, batch.q + i)), level));
  }
  return !hn::AllFalse(d, hn::Gt(beyond, hn::Zero(d)));
#endif
}

/// Adds the extremes of a batch.
template <bool kLows, std::size_t kSize>
HWY_INLINE void extend(const Batch& batch, KeyRange& range) {
  const GroupTag d;
  const hn::RebindToUnsigned<GroupTag> du;
  const hn::RebindToSigned<GroupTag> ds;
  const hn::Rebind<std::int8_t, GroupTag> narrow;
  auto largest = hn::Zero(du), nearest = hn::Set(du, ~std::uint32_t{0});
  auto largest_signed = hn::Set(ds, std::numeric_limits<std::int32_t>::min());
  for (std::size_t i = 0; i < kGroups * kSize; i += hn::Lanes(d)) {
    const std::size_t group = i / kSize;
    const auto q = hn::ConvertTo(d, hn::PromoteTo(ds, hn::LoadU(narrow, batch.q + i)));
    auto value = hn::Mul(hn::Set(d, batch.scale[group]), q);
    if constexpr (kLows) value = hn::Add(value, hn::Set(d, batch.low[group]));
    largest = hn::Max(largest, hn::BitCast(du, value));
    largest_signed = hn::Max(largest_signed, hn::BitCast(ds, value));
    nearest = hn::Min(nearest, hn::BitCast(du, hn::Abs(value)));
  }
  alignas(64) std::uint32_t unsigned_lanes[kGroups] = {}, keys[kGroups];
  alignas(64) std::int32_t signed_lanes[kGroups];
  const std::size_t lanes = hn::Lanes(d);
  hn::Store(largest, du, unsigned_lanes);
  hn::Store(nearest, du, keys);
  hn::Store(largest_signed, ds, signed_lanes);
  KeyRange found;
  found.max_unsigned = *std::max_element(unsigned_lanes, unsigned_lanes + lanes);
  found.min_key = *std::min_element(keys, keys + lanes);
  const std::int32_t positive = *std::max_element(signed_lanes, signed_lanes + lanes);
  found.any_positive = positive >= 0;
  if (found.any_positive) found.max_positive = static_cast<std::uint64_t>(positive);
  merge(found, range);
}

static_assert(kLargestBatch <= kMostValues);
constexpr std::size_t kAhead = 8192;  ///< bytes that are fetched before they are unpacked

struct Stage {
  Batch batch;
  Levels levels;
};

/// Unpacks some batches, and then finds the levels of all: the levels of one take long, but do not wait for another.
template <class B>
HWY_INLINE void prepare(const Byte* block, std::size_t batches, const FoldCutoffs& cutoffs, const Extremes& extremes,
                        Stage* stages) {
  constexpr std::size_t kBytes = kBatchOf<B> / B::kElements * B::kBytes;
  const float cutoff = std::bit_cast<float>(cutoffs.first);
  for (std::size_t i = 0; i < batches; ++i) {
    const Byte* first = block + i * kBytes;
    for (std::size_t at = 0; at < kBytes; at += 64) hwy::Prefetch(first + kAhead + at);
    unpack_batch<B>(first, stages[i].batch);
  }
  for (Stage* stage = stages; stage != stages + batches; ++stage) {
    if constexpr (B::kLows)
      find_levels_with_lows<B::kMost>(stage->batch, cutoff, cutoffs.limit, extremes, stage->levels);
    else
      find_levels<B::kMost>(stage->batch, cutoff, cutoffs.limit, extremes, stage->levels);
  }
}

template <class B>
bool fold(BlockType type, const Byte* block, std::size_t count, const FoldCutoffs& cutoffs, BlockScan& scan,
          MomentLanes& lanes) {
  constexpr std::size_t kBlocks = kBatchOf<B> / B::kElements, kStages = 16;
  Fold<B::kLows, kGroupSizeOf<B>> folded;
  Stage stages[kStages];
  while (count >= kBlocks) {
    const std::size_t batches = std::min(kStages, count / kBlocks);
    prepare<B>(block, batches, cutoffs, Extremes(scan.range), stages);
    for (std::size_t i = 0; i < batches; ++i, block += kBlocks * B::kBytes) {
      const Stage& stage = stages[i];
      if (stage.levels.irregular) {
        if (!scan_values(type, block, kBlocks, cutoffs, scan, lanes)) return false;
        continue;
      }
      if (stage.levels.beyond) return false;
      folded.add(stage.batch, stage.levels, lanes);
      // Until one is found, any number may be zero.
      const bool extends = stage.levels.extends || (!B::kLows && kMayBeZero<B> && scan.range.min_key != 0);
      if (extends && may_extend<B>(stage.batch, Extremes(scan.range)))
        extend<B::kLows, kGroupSizeOf<B>>(stage.batch, scan.range);
    }
    count -= batches * kBlocks;
  }
  if (count != 0 && !scan_values(type, block, count, cutoffs, scan, lanes)) return false;
  folded.finish(scan);
  return B::kMost != 127 || !folded.has_least();
}

bool FoldBlocksTarget(BlockType type, const std::byte* blocks, std::size_t count, const FoldCutoffs& cutoffs,
                      BlockScan& scan, MomentLanes& lanes) {
  const auto* first = reinterpret_cast<const Byte*>(blocks);
  return with_block(type, [&](auto block) { return fold<decltype(block)>(type, first, count, cutoffs, scan, lanes); });
}

}  // namespace pare::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pare::kernels {
namespace {
HWY_EXPORT(FoldBlocksTarget);
}  // namespace

bool fold_blocks(BlockType type, const std::byte* blocks, std::size_t count, const FoldCutoffs& cutoffs,
                 BlockScan& scan, MomentLanes& lanes) {
  BlockScan found = scan;
  MomentLanes sums = lanes;
  choose_target();
  std::optional<bool> folded;
  if (takes_masked_words() && has_vbmi()) folded = fold_blocks_wide(type, blocks, count, cutoffs, found, sums);
  if (!folded) folded = PARE_DISPATCH(FoldBlocksTarget)(type, blocks, count, cutoffs, found, sums);
  if (!*folded) return false;
  scan = found;
  lanes = sums;
  return true;
}

}  // namespace pare::kernels
#endif
