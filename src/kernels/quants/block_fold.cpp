// Elements are scale * q + low, and rise with q. So a cutoff is a limit of q for each group of 16 elements, which is
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
#include <hwy/highway.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <limits>

#include "kernels/moments-inl.h"
#include "kernels/quants/block_levels-inl.h"

HWY_BEFORE_NAMESPACE();
namespace pare::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using NumberTag = hn::CappedTag<std::int8_t, 64>;
using Numbers = hn::Vec<NumberTag>;
using UnsignedTag = hn::RebindToUnsigned<NumberTag>;
using SumTag = hn::Repartition<std::uint64_t, NumberTag>;

#if HWY_TARGET != HWY_SCALAR

/// For each eight magnitudes, of at most 127, the sum of their squares.
HWY_INLINE hn::Vec<SumTag> sums_of_squares(hn::Vec<UnsignedTag> magnitudes) {
  const SumTag d;
  const auto lower = hn::Set(d, 0xffffffff);
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3
  const auto pairs = _mm512_maddubs_epi16(magnitudes.raw, magnitudes.raw);
  const hn::Vec<SumTag> fours{_mm512_madd_epi16(pairs, _mm512_set1_epi16(1))};
#elif HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2
  const auto pairs = _mm256_maddubs_epi16(magnitudes.raw, magnitudes.raw);
  const hn::Vec<SumTag> fours{_mm256_madd_epi16(pairs, _mm256_set1_epi16(1))};
#else
  const hn::Repartition<std::uint16_t, NumberTag> words;
  const hn::Repartition<std::uint32_t, NumberTag> wide;
  const auto both = hn::BitCast(words, magnitudes);
  const auto even = hn::And(both, hn::Set(words, 255)), odd = hn::ShiftRight<8>(both);
  const auto pairs = hn::BitCast(wide, hn::Add(hn::Mul(even, even), hn::Mul(odd, odd)));
  const auto fours = hn::BitCast(d, hn::Add(hn::And(pairs, hn::Set(wide, 0xffff)), hn::ShiftRight<16>(pairs)));
#endif
  return hn::And(hn::Add(fours, hn::ShiftRight<32>(fours)), lower);
}

/// Which group each number of a batch is of.
struct GroupOf {
  alignas(64) std::int8_t group[kBatch];
  constexpr GroupOf() : group() {
    for (std::size_t i = 0; i < kBatch; ++i) group[i] = static_cast<std::int8_t>(i / kGroupSize);
  }
};
constexpr GroupOf kGroupOf;

#endif

/// Counts and sums of the batches that are regular.
template <bool kLows>
class Fold {
 public:
  HWY_INLINE Fold() {}  // NOLINT: GCC compiles a defaulted one for another instruction set

  HWY_INLINE void add(const Batch& batch, const Levels& levels, MomentLanes& lanes) {
    static_assert(MomentLanes::kLanes == kGroups);
    alignas(64) std::uint64_t sums[2 * kGroups], squares[2 * kGroups];
    if (kLows || !batch.special) {
      sweep<false>(batch, levels, sums, squares);
    } else {
      sweep<true>(batch, levels, sums, squares);
    }
    add_sums(batch, sums, squares, lanes);
    elements_ += kBatch;
  }

  bool has_least() const { return !hn::AllFalse(NumberTag(), hn::Eq(least_, hn::Set(NumberTag(), std::int8_t{-128}))); }

  void finish(BlockScan& scan) const {
    scan.range.above += above_ + (kLows ? high_ : 0);
    scan.range.negative += negative_;
    scan.range.inside += elements_ - negative_ - high_;
    scan.zeros += kLows ? zeros_ - negative_ : zeros_;
    scan.negative_zeros += negative_zeros_;
  }

 private:
#if HWY_TARGET == HWY_SCALAR
  /// What the vectors below compute, number by number.
  template <bool kSpecial>
  void sweep(const Batch& batch, const Levels& levels, std::uint64_t* sums, std::uint64_t* squares) {
    const auto count = [](bool counts, std::uint64_t& total) { total += counts ? 1 : 0; };
    std::fill(sums, sums + 2 * kGroups, 0);
    std::fill(squares, squares + 2 * kGroups, 0);
    for (std::size_t i = 0; i < kBatch; ++i) {
      const std::size_t group = i / kGroupSize;
      const bool flips = kSpecial && batch.flipped[group] != 0, is_void = kSpecial && batch.void_scale[group] != 0;
      const int stored = batch.q[i], q = flips ? -stored : stored;
      count(q > levels.high[group], high_);
      count(kLows ? q <= levels.low[group] : std::abs(q) > levels.high[group], above_);
      count(kLows ? q <= levels.negative[group] : q < 0 || (flips && q == 0), negative_);
      count(kLows ? q <= levels.zero[group] : q == 0 || is_void, zeros_);
      count((flips && q == 0) || (is_void && q < 0), negative_zeros_);
      if (stored == -128) least_ = hn::Set(NumberTag(), std::int8_t{-128});
      sums[i / 8] += static_cast<std::uint64_t>(kLows ? q : q + 128);
      squares[i / 8] += static_cast<std::uint64_t>(q * q);
    }
  }

  static Doubles joined(const std::uint64_t* halves, double bias) {
    return hn::Set(DoubleTag(), static_cast<double>(halves[0] + halves[1]) - bias);
  }
#else
  template <bool kSpecial>
  HWY_INLINE void sweep(const Batch& batch, const Levels& levels, std::uint64_t* sums, std::uint64_t* squares) {
    const NumberTag d;
    const UnsignedTag du;
    const SumTag ds;
    const auto zero = hn::Zero(d);
    std::uint64_t above = 0, high = 0, negative = 0, zeros = 0, negative_zeros = 0;  // in registers
    const auto count = [=](hn::Mask<NumberTag> mask, std::uint64_t& total)
                           HWY_ATTR { total += hn::CountTrue(d, mask); };
    for (std::size_t i = 0; i < kBatch; i += hn::Lanes(d)) {
      const auto groups = hn::Load(d, kGroupOf.group + i);
      const auto of_group = [=](const std::int8_t* each)
                                HWY_ATTR { return hn::TableLookupBytes(hn::LoadDup128(d, each), groups); };
      auto q = hn::Load(d, batch.q + i);
      auto magnitude = q;
      if constexpr (kLows) {
        count(hn::Gt(q, of_group(levels.high)), high);
        count(hn::Not(hn::Gt(q, of_group(levels.low))), above);
        count(hn::Not(hn::Gt(q, of_group(levels.negative))), negative);
        count(hn::Not(hn::Gt(q, of_group(levels.zero))), zeros);
        hn::Store(hn::SumsOf8(hn::BitCast(du, q)), ds, sums + i / 8);
      } else {
        least_ = hn::Min(least_, q);
        auto is_zero = hn::Eq(q, zero);
        if constexpr (kSpecial) {
          const auto flip = of_group(batch.flipped);
          const auto flipped_zero = hn::And(is_zero, hn::MaskFromVec(flip));
          const auto is_void = hn::MaskFromVec(of_group(batch.void_scale));
          q = hn::Sub(hn::Xor(q, flip), flip);
          const auto below = hn::Lt(q, zero);
          count(hn::Or(below, flipped_zero), negative);
          count(hn::Or(flipped_zero, hn::And(below, is_void)), negative_zeros);
          is_zero = hn::Or(is_zero, is_void);
        } else {
          count(hn::Lt(q, zero), negative);
        }
        magnitude = hn::Abs(q);
        const auto limit = of_group(levels.high);
        count(hn::Gt(q, limit), high);
        count(hn::Gt(magnitude, limit), above);
        count(is_zero, zeros);
        hn::Store(hn::SumsOf8(hn::BitCast(du, hn::Xor(q, hn::Set(d, std::int8_t{-128})))), ds, sums + i / 8);
      }
      hn::Store(sums_of_squares(hn::BitCast(du, magnitude)), ds, squares + i / 8);
    }
    above_ += above;
    high_ += high;
    negative_ += negative;
    zeros_ += zeros;
    negative_zeros_ += negative_zeros;
  }

  /// The sums of two halves each, as numbers; `bias` is taken off.
  static HWY_INLINE Doubles joined(const std::uint64_t* halves, double bias) {
    const DoubleTag d;
    const hn::RebindToUnsigned<DoubleTag> du;
    const auto first = hn::Load(du, halves), second = hn::Load(du, halves + hn::Lanes(d));
    const auto sum = hn::Add(hn::ConcatEven(du, second, first), hn::ConcatOdd(du, second, first));
    // As the lower bits of 2^52 + sum.
    const auto number = hn::BitCast(d, hn::Or(sum, hn::Set(du, 0x4330000000000000)));
    return hn::Sub(number, hn::Set(d, 0x1p52 + bias));
  }
#endif

  /// Every product is exact here, and so are the sums of a group.
  static HWY_INLINE void add_sums(const Batch& batch, const std::uint64_t* sums, const std::uint64_t* squares,
                                  MomentLanes& lanes) {
    const DoubleTag d;
    const hn::Rebind<float, DoubleTag> df;
    for (std::size_t group = 0; group < kGroups; group += hn::Lanes(d)) {
      const auto scale = hn::PromoteTo(d, hn::LoadU(df, batch.scale + group));
      const auto sum = joined(sums + 2 * group, kLows ? 0 : 128.0 * kGroupSize);
      const auto square = joined(squares + 2 * group, 0);
      auto total = hn::Load(d, lanes.sum + group), total_squares = hn::Load(d, lanes.squares + group);
      if constexpr (kLows) {
        const auto low = hn::PromoteTo(d, hn::LoadU(df, batch.low + group));
        const auto lows = hn::Mul(low, hn::Set(d, static_cast<double>(kGroupSize)));
        const auto twice = hn::Add(low, low);
        total = hn::Add(total, hn::MulAdd(scale, sum, lows));
        const auto mixed = hn::MulAdd(hn::Mul(twice, scale), sum, hn::Mul(lows, low));
        total_squares = hn::Add(total_squares, hn::MulAdd(hn::Mul(scale, scale), square, mixed));
      } else {
        total = hn::MulAdd(scale, sum, total);
        total_squares = hn::MulAdd(hn::Mul(scale, scale), square, total_squares);
      }
      hn::Store(total, d, lanes.sum + group);
      hn::Store(total_squares, d, lanes.squares + group);
    }
  }

  Numbers least_ = hn::Zero(NumberTag());
  std::uint64_t elements_ = 0, above_ = 0, high_ = 0, negative_ = 0, zeros_ = 0, negative_zeros_ = 0;
};

/// Computes the elements of some blocks and scans them. Returns false if one is infinite or NaN.
inline bool scan_values(BlockType type, const Byte* blocks, std::size_t count, const FoldCutoffs& cutoffs,
                        BlockScan& scan, MomentLanes& lanes) {
  float values[kBatch];
  const auto* bytes = reinterpret_cast<const std::byte*>(values);
  decode_blocks(type, reinterpret_cast<const std::byte*>(blocks), count, values);
  const BlockScan found = scan_block(FloatType::kF32, bytes, count * block_shape(type).elements, cutoffs.first, lanes);
  merge(found.range, scan.range);
  scan.zeros += found.zeros;
  scan.negative_zeros += found.negative_zeros;
  return found.finite && Extremes(found.range).top < cutoffs.limit && -Extremes(found.range).bottom < cutoffs.limit;
}

/// Adds the extremes of a batch.
template <bool kLows>
HWY_INLINE void extend(const Batch& batch, KeyRange& range) {
  const GroupTag d;
  const hn::RebindToUnsigned<GroupTag> du;
  const hn::RebindToSigned<GroupTag> ds;
  const hn::Rebind<std::int8_t, GroupTag> narrow;
  auto largest = hn::Zero(du), nearest = hn::Set(du, ~std::uint32_t{0});
  auto largest_signed = hn::Set(ds, std::numeric_limits<std::int32_t>::min());
  for (std::size_t i = 0; i < kBatch; i += hn::Lanes(d)) {
    const std::size_t group = i / kGroupSize;
    const bool negated = !kLows && batch.flipped[group] != 0;
    const auto q = hn::ConvertTo(d, hn::PromoteTo(ds, hn::LoadU(narrow, batch.q + i)));
    auto value = hn::Mul(hn::Set(d, negated ? -batch.scale[group] : batch.scale[group]), q);
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

struct Stage {
  Batch batch;
  Levels levels;
};

/// Unpacks some batches, and then finds the levels of all: the levels of one take long, but do not wait for another.
template <class B>
HWY_INLINE void prepare(const Byte* block, std::size_t batches, const FoldCutoffs& cutoffs, const Extremes& extremes,
                        Stage* stages) {
  constexpr std::size_t kBytes = kBatch / B::kElements * B::kBytes;
  const float cutoff = std::bit_cast<float>(cutoffs.first);
  for (std::size_t i = 0; i < batches; ++i) unpack_batch<B>(block + i * kBytes, stages[i].batch);
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
  constexpr std::size_t kBlocks = kBatch / B::kElements, kStages = 16;
  Fold<B::kLows> folded;
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
      if (stage.levels.extends) extend<B::kLows>(stage.batch, scan.range);
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
  if (!PARE_DISPATCH(FoldBlocksTarget)(type, blocks, count, cutoffs, found, sums)) return false;
  scan = found;
  lanes = sums;
  return true;
}

}  // namespace pare::kernels
#endif
