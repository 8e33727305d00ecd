// Counts and sums of quantized blocks from their small integers. Included once per target, after highway.h.
#if defined(PARE_BLOCK_COUNTS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PARE_BLOCK_COUNTS_INL_H_
#undef PARE_BLOCK_COUNTS_INL_H_
#else
#define PARE_BLOCK_COUNTS_INL_H_
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "kernels/block_scan.h"
#include "kernels/moments-inl.h"
#include "kernels/quants/block_levels-inl.h"

HWY_BEFORE_NAMESPACE();
namespace pare::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using NumberTag = hn::CappedTag<std::int8_t, 64>;
using Numbers = hn::Vec<NumberTag>;
using UnsignedTag = hn::RebindToUnsigned<NumberTag>;
using SumTag = hn::Repartition<std::int32_t, NumberTag>;
using Sums = hn::Vec<SumTag>;

#if HWY_TARGET != HWY_SCALAR

/// For each four numbers, of at most 127 in magnitude, the sum of their products with those of `others`.
HWY_INLINE Sums sums_of_products(hn::Vec<UnsignedTag> numbers, Numbers others) {
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3
  const auto pairs = _mm512_maddubs_epi16(numbers.raw, others.raw);
  return Sums{_mm512_madd_epi16(pairs, _mm512_set1_epi16(1))};
#elif HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2
  const auto pairs = _mm256_maddubs_epi16(numbers.raw, others.raw);
  return Sums{_mm256_madd_epi16(pairs, _mm256_set1_epi16(1))};
#else
  const hn::Repartition<std::int16_t, NumberTag> words;
  const SumTag d;
  const auto a = hn::BitCast(words, numbers), b = hn::BitCast(words, others);
  const auto odd = hn::Mul(hn::ShiftRight<8>(a), hn::ShiftRight<8>(b));
  const auto even = hn::Mul(hn::ShiftRight<8>(hn::ShiftLeft<8>(a)), hn::ShiftRight<8>(hn::ShiftLeft<8>(b)));
  const auto pairs = hn::BitCast(d, hn::Add(odd, even));
  return hn::Add(hn::ShiftRight<16>(pairs), hn::ShiftRight<16>(hn::ShiftLeft<16>(pairs)));
#endif
}

/// Adds up each 16 bytes of four vectors, in their order.
HWY_INLINE Sums sums_of_four(Sums a, Sums b, Sums c, Sums d) {
  const SumTag t;
  const hn::Repartition<std::int64_t, SumTag> wide;
  const auto ab = hn::BitCast(wide, hn::Add(hn::InterleaveLower(t, a, b), hn::InterleaveUpper(t, a, b)));
  const auto cd = hn::BitCast(wide, hn::Add(hn::InterleaveLower(t, c, d), hn::InterleaveUpper(t, c, d)));
  const auto sums =
      hn::Add(hn::BitCast(t, hn::InterleaveLower(wide, ab, cd)), hn::BitCast(t, hn::InterleaveUpper(wide, ab, cd)));
  // Now each 16 bytes hold a sum of each vector.
  alignas(64) std::int32_t from[hn::MaxLanes(t)];
  constexpr std::size_t kEach = hn::MaxLanes(t) / 4;
  for (std::size_t i = 0; i < hn::MaxLanes(t); ++i) from[i] = static_cast<std::int32_t>(i % kEach * 4 + i / kEach);
  return hn::TableLookupLanes(sums, hn::SetTableIndices(t, from));
}

/// counts + 1 where the mask is.
HWY_INLINE void count(hn::Mask<NumberTag> mask, Numbers& counts) {
  const NumberTag d;
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3
  counts = hn::IfThenElse(mask, hn::Add(counts, hn::Set(d, std::int8_t{1})), counts);  // one masked addition
#else
  counts = hn::Sub(counts, hn::VecFromMask(d, mask));
#endif
}

/// Which group each number of a batch is of.
template <std::size_t kSize>
struct GroupOf {
  alignas(64) std::int8_t group[kGroups * kSize];
  constexpr GroupOf() : group() {
    for (std::size_t i = 0; i < kGroups * kSize; ++i) group[i] = static_cast<std::int8_t>(i / kSize);
  }
};
template <std::size_t kSize>
constexpr GroupOf<kSize> kGroupOf;

#endif

/// Counts and sums of the batches that are regular, whose groups have kSize elements.
template <bool kLows, std::size_t kSize>
class Fold {
 public:
  HWY_INLINE Fold() {}  // NOLINT: GCC compiles a defaulted one for another instruction set

  HWY_INLINE void add(const Batch& batch, const Levels& levels, MomentLanes& lanes) {
    static_assert(MomentLanes::kLanes == kGroups);
    alignas(64) std::int32_t sums[kGroups], squares[kGroups];
    if (levels.any_void) {
      sweep<!kLows, true>(batch, levels, sums, squares);
    } else if (!kLows && levels.any_flips) {
      sweep<true, false>(batch, levels, sums, squares);
    } else {
      sweep<false, false>(batch, levels, sums, squares);
    }
    add_sums(batch, sums, squares, lanes);
    elements_ += kGroups * kSize;
  }

  bool has_least() const { return !hn::AllFalse(NumberTag(), hn::Eq(least_, hn::Set(NumberTag(), std::int8_t{-128}))); }

  void finish(BlockScan& scan) {
    flush();
    const std::uint64_t negative = kLows ? elements_ - negative_ : negative_;
    scan.range.above += kLows ? elements_ - above_ + high_ : above_;
    scan.range.negative += negative;
    scan.range.inside += elements_ - negative - high_;
    scan.zeros += zeros_;
    scan.negative_zeros += negative_zeros_;
  }

 private:
#if HWY_TARGET == HWY_SCALAR
  /// What the vectors below compute, number by number.
  template <bool kFlips, bool kVoid>
  void sweep(const Batch& batch, const Levels& levels, std::int32_t* sums, std::int32_t* squares) {
    const auto count = [](bool counts, std::uint64_t& total) { total += counts ? 1 : 0; };
    std::fill(sums, sums + kGroups, 0);
    std::fill(squares, squares + kGroups, 0);
    for (std::size_t i = 0; i < kGroups * kSize; ++i) {
      const std::size_t group = i / kSize;
      const int q = batch.q[i], rising = kFlips && levels.flips[group] != 0 ? ~q : q;
      const bool is_zero = kLows ? q > levels.negative[group] && q <= levels.zero[group]
                                 : q == 0 || (kVoid && levels.void_scale[group] != 0);
      count(rising > levels.high[group], high_);
      count(kLows ? q > levels.low[group] : std::abs(q) > levels.magnitude[group], above_);
      count(kLows ? q > levels.negative[group] : rising < 0, negative_);
      count(is_zero, zeros_);
      count(kFlips && is_zero && rising < 0, negative_zeros_);
      if (!kLows && q == -128) least_ = hn::Set(NumberTag(), std::int8_t{-128});
      sums[group] += q;
      squares[group] += q * q;
    }
  }
  void flush() {}
#else
  template <bool kFlips, bool kVoid>
  HWY_INLINE void sweep(const Batch& batch, const Levels& levels, std::int32_t* sums, std::int32_t* squares) {
    const SumTag d;
    constexpr std::size_t kStep = hn::MaxLanes(d);  // groups
    for (std::size_t group = 0; group < kGroups; group += kStep) {
      Sums sum[kSize / 16], square[kSize / 16];
      for (std::size_t part = 0; part < kSize / 16; ++part)
        sweep_four<kFlips, kVoid>(batch, levels, group * kSize + part * kStep * 16, sum[part], square[part]);
      if constexpr (kSize == 32) {
        sum[0] = hn::Add(hn::ConcatEven(d, sum[1], sum[0]), hn::ConcatOdd(d, sum[1], sum[0]));
        square[0] = hn::Add(hn::ConcatEven(d, square[1], square[0]), hn::ConcatOdd(d, square[1], square[0]));
      }
      hn::Store(sum[0], d, sums + group);
      hn::Store(square[0], d, squares + group);
    }
    constexpr std::size_t kCounted = kGroups * kSize / hn::MaxLanes(NumberTag());  // of each byte of the counts
    counted_ += kCounted;
    if (counted_ + kCounted > 255) flush();
  }

  /// Four vectors of numbers from `begin` on, and the sums of each 16.
  template <bool kFlips, bool kVoid>
  HWY_INLINE void sweep_four(const Batch& batch, const Levels& levels, std::size_t begin, Sums& sum, Sums& square) {
    constexpr std::size_t kVector = hn::MaxLanes(NumberTag());
    Sums sums[4], squares[4];
    for (std::size_t i = 0; i < 4; ++i)
      sweep_vector<kFlips, kVoid>(batch, levels, begin + i * kVector, sums[i], squares[i]);
    sum = sums_of_four(sums[0], sums[1], sums[2], sums[3]);
    square = sums_of_four(squares[0], squares[1], squares[2], squares[3]);
  }

  template <bool kFlips, bool kVoid>
  HWY_INLINE void sweep_vector(const Batch& batch, const Levels& levels, std::size_t begin, Sums& sum, Sums& square) {
    const NumberTag d;
    const UnsignedTag du;
    const auto groups = hn::Load(d, kGroupOf<kSize>.group + begin);
    const auto of_group = [=](const std::int8_t* each)
                              HWY_ATTR { return hn::TableLookupBytes(hn::LoadDup128(d, each), groups); };
    const auto q = hn::Load(d, batch.q + begin);
    auto magnitude = q;
    if constexpr (kLows) {
      const auto from_zero = hn::Gt(q, of_group(levels.negative));
      count(hn::Gt(q, of_group(levels.high)), counts_.high);
      count(hn::Gt(q, of_group(levels.low)), counts_.above);
      count(from_zero, counts_.negative);
      if constexpr (kVoid) count(hn::AndNot(hn::Gt(q, of_group(levels.zero)), from_zero), counts_.zeros);
    } else {
      least_ = hn::Min(least_, q);
      magnitude = hn::Abs(q);
      auto rising = q;
      auto is_zero = hn::Eq(q, hn::Zero(d));
      if constexpr (kFlips) rising = hn::Xor(q, of_group(levels.flips));
      if constexpr (kVoid) is_zero = hn::Or(is_zero, hn::MaskFromVec(of_group(levels.void_scale)));
      const auto is_negative = hn::Lt(rising, hn::Zero(d));
      const auto limit = of_group(levels.magnitude);
      count(hn::Gt(magnitude, limit), counts_.above);
      count(hn::Gt(rising, kFlips ? of_group(levels.high) : limit), counts_.high);
      count(is_negative, counts_.negative);
      count(is_zero, counts_.zeros);
      if constexpr (kFlips) count(hn::And(is_zero, is_negative), counts_.negative_zeros);
    }
    sum = sums_of_products(hn::Set(du, std::uint8_t{1}), q);
    square = sums_of_products(hn::BitCast(du, magnitude), magnitude);
  }

  /// Adds the counts of each byte up before one overflows.
  HWY_INLINE void flush() {
    const auto add = [](Numbers& counts, std::uint64_t& total) HWY_ATTR {
      const hn::Repartition<std::uint64_t, NumberTag> wide;
      total += hn::GetLane(hn::SumOfLanes(wide, hn::SumsOf8(hn::BitCast(UnsignedTag(), counts))));
      counts = hn::Zero(NumberTag());
    };
    add(counts_.above, above_);
    add(counts_.high, high_);
    add(counts_.negative, negative_);
    add(counts_.zeros, zeros_);
    add(counts_.negative_zeros, negative_zeros_);
    counted_ = 0;
  }

  struct Counts {
    HWY_INLINE Counts() {}  // NOLINT: as above
    Numbers above = hn::Zero(NumberTag()), high = above, negative = above, zeros = above, negative_zeros = above;
  };
  Counts counts_;
  std::size_t counted_ = 0;
#endif

  /// Every product is exact here, and so are the sums of a group.
  static HWY_INLINE void add_sums(const Batch& batch, const std::int32_t* sums, const std::int32_t* squares,
                                  MomentLanes& lanes) {
    const DoubleTag d;
    const hn::Rebind<float, DoubleTag> df;
    const hn::Rebind<std::int32_t, DoubleTag> di;
    for (std::size_t group = 0; group < kGroups; group += hn::Lanes(d)) {
      const auto scale = hn::PromoteTo(d, hn::LoadU(df, batch.scale + group));
      const auto sum = hn::PromoteTo(d, hn::LoadU(di, sums + group));
      const auto square = hn::PromoteTo(d, hn::LoadU(di, squares + group));
      auto total = hn::Load(d, lanes.sum + group), total_squares = hn::Load(d, lanes.squares + group);
      if constexpr (kLows) {
        const auto low = hn::PromoteTo(d, hn::LoadU(df, batch.low + group));
        const auto lows = hn::Mul(low, hn::Set(d, static_cast<double>(kSize)));
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
  std::uint64_t elements_ = 0, high_ = 0, zeros_ = 0, negative_zeros_ = 0;
  /// With lows, of the others: elements that are not below -cutoff, and not below zero.
  std::uint64_t above_ = 0, negative_ = 0;
};

}  // namespace pare::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
