// Products of numbers with whole vectors of tokens. Included once per target, after highway.h.
#if defined(PARE_ROW_PRODUCTS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PARE_ROW_PRODUCTS_INL_H_
#undef PARE_ROW_PRODUCTS_INL_H_
#else
#define PARE_ROW_PRODUCTS_INL_H_
#endif

#include <hwy/highway.h>

#include <cstddef>

HWY_BEFORE_NAMESPACE();
namespace pare::kernels::HWY_NAMESPACE {

/// The number of row r and step i is data[r * row + i * step].
struct Factors {
  const float* data;
  std::size_t row, step;
};

/// c[r] = sum_i factor[r][i] * b[i], added to c[r] if `add` is set, for kRows rows. A row of b and of c has kVectors
/// vectors.
template <std::size_t kVectors, std::size_t kRows>
HWY_INLINE void some_rows(Factors factors, const float* b, std::size_t steps, bool add, float* c) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::ScalableTag<float> d;
  using Sum = hn::Vec<hn::ScalableTag<float>>;
  const std::size_t lanes = hn::Lanes(d), width = kVectors * lanes;
  Sum sum[kRows][kVectors];
  for (std::size_t r = 0; r < kRows; ++r)
    for (std::size_t v = 0; v < kVectors; ++v) sum[r][v] = add ? hn::LoadU(d, c + r * width + v * lanes) : hn::Zero(d);
  for (std::size_t i = 0; i < steps; ++i) {
    Sum x[kVectors];
    for (std::size_t v = 0; v < kVectors; ++v) x[v] = hn::LoadU(d, b + i * width + v * lanes);
    for (std::size_t r = 0; r < kRows; ++r) {
      const Sum factor = hn::Set(d, factors.data[r * factors.row + i * factors.step]);
      for (std::size_t v = 0; v < kVectors; ++v) sum[r][v] = hn::MulAdd(factor, x[v], sum[r][v]);
    }
  }
  for (std::size_t r = 0; r < kRows; ++r)
    for (std::size_t v = 0; v < kVectors; ++v) hn::StoreU(sum[r][v], d, c + r * width + v * lanes);
}

/// The same for any number of rows, as many at a time as fit into the registers.
template <std::size_t kVectors,
          std::size_t kRows = (hwy::HWY_NAMESPACE::MaxLanes(hwy::HWY_NAMESPACE::ScalableTag<float>()) >= 16 ? 24 : 8) /
                              kVectors>
HWY_INLINE void all_rows(Factors factors, std::size_t rows, const float* b, std::size_t steps, bool add, float* c) {
  const std::size_t width = kVectors * hwy::HWY_NAMESPACE::Lanes(hwy::HWY_NAMESPACE::ScalableTag<float>());
  std::size_t r = 0;
  for (; r + kRows <= rows; r += kRows)
    some_rows<kVectors, kRows>({factors.data + r * factors.row, factors.row, factors.step}, b, steps, add,
                               c + r * width);
  if constexpr (kRows > 1)
    if (r < rows)
      all_rows<kVectors, (kRows + 1) / 2>({factors.data + r * factors.row, factors.row, factors.step}, rows - r, b,
                                          steps, add, c + r * width);
}

}  // namespace pare::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
