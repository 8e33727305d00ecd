// Conversion between tokens as rows and tokens as lanes.
#include "kernels/sparse/sparse.h"
#include "kernels/targets.h"

#ifndef PARE_KERNELS_TOGETHER
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/sparse/sparse_panels.cpp"  // NOLINT: Highway compiles this file per target
#include <hwy/foreach_target.h>
#endif
// Highway's per-target headers come after foreach_target.h.
#include <hwy/highway.h>

#include <algorithm>

HWY_BEFORE_NAMESPACE();
namespace pare::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

struct Rows {
  const float* data;
  std::size_t stride, count;
};

#if HWY_TARGET != HWY_SCALAR

template <std::size_t kRows>
using RowsTag = hn::CappedTag<float, kRows>;

/// 16 bytes of each of the rows 0, 4, 8, ... below kRows.
template <std::size_t kRows>
HWY_INLINE hn::Vec<RowsTag<kRows>> load_rows(const float* from, std::size_t stride) {
  if constexpr (kRows == 4) {
    return hn::LoadU(RowsTag<4>(), from);
  } else {
    return hn::Combine(RowsTag<kRows>(), load_rows<kRows / 2>(from + kRows / 2 * stride, stride),
                       load_rows<kRows / 2>(from, stride));
  }
}

/// kRows rows of 4 columns to 4 rows of kRows columns, in whole vectors; no shuffle crosses 16 bytes.
template <std::size_t kRows>
HWY_INLINE void transpose_four(const float* from, std::size_t from_stride, const float* bias, float* to,
                               std::size_t to_stride) {
  const RowsTag<kRows> d;
  hn::Vec<RowsTag<kRows>> v[4];
  for (std::size_t i = 0; i < 4; ++i) v[i] = load_rows<kRows>(from + i * from_stride, from_stride);
  const auto even0 = hn::InterleaveLower(d, v[0], v[2]), even1 = hn::InterleaveUpper(d, v[0], v[2]);
  const auto odd0 = hn::InterleaveLower(d, v[1], v[3]), odd1 = hn::InterleaveUpper(d, v[1], v[3]);
  v[0] = hn::InterleaveLower(d, even0, odd0);
  v[1] = hn::InterleaveUpper(d, even0, odd0);
  v[2] = hn::InterleaveLower(d, even1, odd1);
  v[3] = hn::InterleaveUpper(d, even1, odd1);
  for (std::size_t i = 0; i < 4; ++i)
    hn::StoreU(bias == nullptr ? v[i] : hn::Add(v[i], hn::LoadU(d, bias)), d, to + i * to_stride);
}

#endif

/// Processes rows from `first` on, kRows at a time; returns the first row that is left.
template <std::size_t kRows>
HWY_INLINE std::size_t transpose_rows([[maybe_unused]] const Rows& from, std::size_t first,
                                      [[maybe_unused]] std::size_t columns, [[maybe_unused]] const float* bias,
                                      [[maybe_unused]] float* to, [[maybe_unused]] std::size_t to_stride) {
  std::size_t r = first;
#if HWY_TARGET != HWY_SCALAR
  if constexpr (hn::MaxLanes(RowsTag<kRows>()) == kRows) {
    for (; r + kRows <= from.count; r += kRows) {
      const float *source = from.data + r * from.stride, *added = bias == nullptr ? bias : bias + r;
      std::size_t c = 0;
      for (; c + 4 <= columns; c += 4)
        transpose_four<kRows>(source + c, from.stride, added, to + c * to_stride + r, to_stride);
      for (; c < columns; ++c)
        for (std::size_t i = 0; i < kRows; ++i)
          to[c * to_stride + r + i] = source[i * from.stride + c] + (bias == nullptr ? 0 : added[i]);
    }
  }
#endif
  return r;
}

/// to[c][r] = from[r][c] + bias[r]. `run` columns are processed for all rows before the next columns, up to kMost rows
/// at a time.
template <std::size_t kMost>
void transpose(const Rows& from, std::size_t columns, std::size_t run, const float* bias, float* to,
               std::size_t to_stride) {
  if (from.count == 0) return;  // `from.data` may be null in this case
  for (std::size_t begin = 0; begin < columns; begin += run) {
    const std::size_t width = std::min(run, columns - begin);
    const Rows part{from.data + begin, from.stride, from.count};
    float* rows = to + begin * to_stride;
    std::size_t r = 0;
    if constexpr (kMost >= 16) r = transpose_rows<16>(part, r, width, bias, rows, to_stride);
    r = transpose_rows<8>(part, r, width, bias, rows, to_stride);
    r = transpose_rows<4>(part, r, width, bias, rows, to_stride);
    for (; r < from.count; ++r)
      for (std::size_t c = 0; c < width; ++c)
        rows[c * to_stride + r] = part.data[r * from.stride + c] + (bias == nullptr ? 0 : bias[r]);
  }
}

// Rows of x and y are often a multiple of 4 KiB apart, so that lines of different tokens compete for one set of the
// first-level cache. Reading therefore takes few rows at a time, because whole lines of them are used again.

void ToPanelTarget(const float* x, std::size_t x_stride, std::size_t tokens, std::size_t in, float* panel,
                   std::size_t width) {
  if (in == 0) return;              // `panel` may be null in this case
  constexpr std::size_t kRun = 64;  // rows of the panel that stay in the first-level cache while all tokens are read
  if (const hn::ScalableTag<float> d; tokens < width) {  // the last vector is padded
    float* last = panel + width - hn::Lanes(d);
    for (std::size_t k = 0; k < in; ++k, last += width) hn::StoreU(hn::Zero(d), d, last);
  }
  transpose<8>({x, x_stride, tokens}, in, kRun, nullptr, panel, width);
}

// Writing takes whole lines of few rows, one after another, for the same reason.

void FromPanelTarget(const float* panel, std::size_t width, std::size_t tokens, std::size_t out, const float* bias,
                     float* y, std::size_t y_stride) {
  if (tokens == 0 || out == 0) return;
  constexpr std::size_t kRun = 4;
  transpose<16>({panel, width, out}, tokens, kRun, bias, y, y_stride);
}

}  // namespace pare::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pare::kernels {
namespace {
HWY_EXPORT(ToPanelTarget);
HWY_EXPORT(FromPanelTarget);
}  // namespace

void to_panel(const float* x, std::size_t x_stride, std::size_t tokens, std::size_t in, float* panel,
              std::size_t width) {
  PARE_DISPATCH(ToPanelTarget)(x, x_stride, tokens, in, panel, width);
}
void from_panel(const float* panel, std::size_t width, std::size_t tokens, std::size_t out, const float* bias, float* y,
                std::size_t y_stride) {
  PARE_DISPATCH(FromPanelTarget)(panel, width, tokens, out, bias, y, y_stride);
}

}  // namespace pare::kernels
#endif
