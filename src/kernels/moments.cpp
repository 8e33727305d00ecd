#include "kernels/moments.h"

#include "kernels/targets.h"

#ifndef PARE_KERNELS_TOGETHER
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/moments.cpp"  // NOLINT: Highway compiles this file per target
#include <hwy/foreach_target.h>
#endif
// Highway's per-target headers come after foreach_target.h.
#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "kernels/moments-inl.h"

HWY_BEFORE_NAMESPACE();
namespace pare::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr std::size_t kWidth = hn::MaxLanes(DoubleTag());
constexpr std::size_t kParts = MomentLanes::kLanes / kWidth;

template <FloatType kType, bool kSkipNonfinite>
void add_runs(const std::byte* data, std::size_t n, MomentLanes& lanes) {
  const DoubleTag dd;
  const auto infinity = hn::Set(dd, std::numeric_limits<double>::infinity());
  Doubles sum[kParts], squares[kParts];
  for (std::size_t part = 0; part < kParts; ++part) {
    sum[part] = hn::Load(dd, lanes.sum + part * kWidth);
    squares[part] = hn::Load(dd, lanes.squares + part * kWidth);
  }
  constexpr std::size_t kSize = kType == FloatType::kF64 ? 8 : kType == FloatType::kF32 ? 4 : 2;
  for (std::size_t i = 0; i < n; i += MomentLanes::kLanes) {
    // This block is already in cache, so memory would idle: prefetch the next one.
    hwy::Prefetch(data + i * kSize + kMomentLookahead);
    for (std::size_t part = 0; part < kParts; ++part) {
      auto value = load_doubles<kType>(data, i + part * kWidth);
      // Comparing with NaN is false, so this drops NaN as well.
      if constexpr (kSkipNonfinite) value = hn::IfThenElseZero(hn::Lt(hn::Abs(value), infinity), value);
      sum[part] = hn::Add(sum[part], value);
      squares[part] = add_square<kType>(value, squares[part]);
    }
  }
  for (std::size_t part = 0; part < kParts; ++part) {
    hn::Store(sum[part], dd, lanes.sum + part * kWidth);
    hn::Store(squares[part], dd, lanes.squares + part * kWidth);
  }
}

template <FloatType kType>
void add_typed(const std::byte* data, std::size_t n, bool skip_nonfinite, MomentLanes& lanes) {
  constexpr std::size_t size = kType == FloatType::kF64 ? 8 : kType == FloatType::kF32 ? 4 : 2;
  const std::size_t whole = n - n % MomentLanes::kLanes;
  const auto add = [&](const std::byte* from, std::size_t count) {
    if (skip_nonfinite) {
      add_runs<kType, true>(from, count, lanes);
    } else {
      add_runs<kType, false>(from, count, lanes);
    }
  };
  add(data, whole);
  if (whole == n) return;
  alignas(64) std::byte rest[MomentLanes::kLanes * size] = {};  // zeros add nothing
  std::memcpy(rest, data + whole * size, (n - whole) * size);
  add(rest, MomentLanes::kLanes);
}

void AddMomentsTarget(FloatType type, const std::byte* data, std::size_t n, bool skip_nonfinite, MomentLanes& lanes) {
  switch (type) {
    case FloatType::kF64:
      return add_typed<FloatType::kF64>(data, n, skip_nonfinite, lanes);
    case FloatType::kF32:
      return add_typed<FloatType::kF32>(data, n, skip_nonfinite, lanes);
    case FloatType::kF16:
      return add_typed<FloatType::kF16>(data, n, skip_nonfinite, lanes);
    case FloatType::kBF16:
      return add_typed<FloatType::kBF16>(data, n, skip_nonfinite, lanes);
  }
}

}  // namespace pare::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pare::kernels {
namespace {

HWY_EXPORT(AddMomentsTarget);

double in_order(const double* lanes) noexcept {
  double total = 0;
  for (std::size_t lane = 0; lane < MomentLanes::kLanes; ++lane) total += lanes[lane];
  return total;
}

}  // namespace

double MomentLanes::total_sum() const noexcept { return in_order(sum); }
double MomentLanes::total_squares() const noexcept { return in_order(squares); }

void add_moments(FloatType type, const std::byte* data, std::size_t n, bool skip_nonfinite, MomentLanes& lanes) {
  PARE_DISPATCH(AddMomentsTarget)(type, data, n, skip_nonfinite, lanes);
}

void add_moments_by_table(const double values[256], const std::byte* data, std::size_t n, bool skip_nonfinite,
                          MomentLanes& lanes) {
  for (std::size_t i = 0; i < n; ++i) {
    const double value = values[std::to_integer<std::uint8_t>(data[i])];
    if (skip_nonfinite && !std::isfinite(value)) continue;
    lanes.sum[i % MomentLanes::kLanes] += value;
    lanes.squares[i % MomentLanes::kLanes] += value * value;
  }
}

}  // namespace pare::kernels
#endif
