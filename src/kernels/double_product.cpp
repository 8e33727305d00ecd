// A panel of two vectors of columns is packed, and multiplied with four rows at a time: eight sums stay in registers.
#include "kernels/double_product.h"

#include "kernels/targets.h"

#ifndef PARE_KERNELS_TOGETHER
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/double_product.cpp"  // NOLINT: Highway compiles this file per target
#include <hwy/foreach_target.h>
#endif
// Highway's per-target headers come after foreach_target.h.
#include <hwy/highway.h>

#include <algorithm>

HWY_BEFORE_NAMESPACE();
namespace pare::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using DoubleTag = hn::CappedTag<double, 8>;
constexpr std::size_t kMostColumns = 16;  ///< of a panel: two vectors of at most 64 bytes
constexpr std::size_t kInner = 128;       ///< rows of a panel: 16 KiB

/// kRows rows of a times a packed panel; adds `columns` of the panel's columns to c.
template <std::size_t kRows>
HWY_INLINE void add_rows(Doubles<const double> a, const double* panel, std::size_t inner, std::size_t columns,
                         double factor, Doubles<double> c) {
  const DoubleTag d;
  const std::size_t lanes = hn::Lanes(d);
  hn::Vec<DoubleTag> left[kRows], right[kRows];
  for (std::size_t r = 0; r < kRows; ++r) left[r] = right[r] = hn::Zero(d);
  for (std::size_t k = 0; k < inner; ++k) {
    const auto first = hn::Load(d, panel + 2 * lanes * k), second = hn::Load(d, panel + 2 * lanes * k + lanes);
    for (std::size_t r = 0; r < kRows; ++r) {
      const auto value = hn::Set(d, a.data[r * a.stride + k]);
      left[r] = hn::MulAdd(value, first, left[r]);
      right[r] = hn::MulAdd(value, second, right[r]);
    }
  }
  HWY_ALIGN double sums[kMostColumns];
  for (std::size_t r = 0; r < kRows; ++r) {
    hn::Store(left[r], d, sums);
    hn::Store(right[r], d, sums + lanes);
    for (std::size_t j = 0; j < columns; ++j) c.data[r * c.stride + j] += factor * sums[j];
  }
}

void AddProductTarget(Doubles<const double> a, Doubles<const double> b, std::size_t rows, std::size_t inner,
                      std::size_t columns, double factor, Doubles<double> c) {
  const std::size_t width = 2 * hn::Lanes(DoubleTag());
  HWY_ALIGN double panel[kInner * kMostColumns];
  for (std::size_t k = 0; k < inner; k += kInner) {
    const std::size_t depth = std::min(kInner, inner - k);
    for (std::size_t j = 0; j < columns; j += width) {
      const std::size_t some = std::min(width, columns - j);
      for (std::size_t i = 0; i < depth; ++i) {
        std::copy_n(b.data + (k + i) * b.stride + j, some, panel + i * width);
        std::fill(panel + i * width + some, panel + (i + 1) * width, 0.0);
      }
      std::size_t r = 0;
      const auto left = [&](std::size_t row) { return Doubles<const double>{a.data + row * a.stride + k, a.stride}; };
      const auto sums = [&](std::size_t row) { return Doubles<double>{c.data + row * c.stride + j, c.stride}; };
      for (; r + 4 <= rows; r += 4) add_rows<4>(left(r), panel, depth, some, factor, sums(r));
      for (; r < rows; ++r) add_rows<1>(left(r), panel, depth, some, factor, sums(r));
    }
  }
}

}  // namespace pare::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pare::kernels {
namespace {
HWY_EXPORT(AddProductTarget);
}  // namespace

void add_product(Doubles<const double> a, Doubles<const double> b, std::size_t rows, std::size_t inner,
                 std::size_t columns, double factor, Doubles<double> c) {
  PARE_DISPATCH(AddProductTarget)(a, b, rows, inner, columns, factor, c);
}

}  // namespace pare::kernels
#endif
