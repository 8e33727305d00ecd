// Square matrices whose rows are apart by an odd number of cache lines.
#pragma once

#include <cstddef>
#include <vector>

#include "calibrate/algebra/float_product.h"

namespace pare::calibrate {

/// A row stride for a matrix of so many columns: an odd number of cache lines. With rows of, say, 6 KiB, elements below
/// each other share two sets of the first cache, and products that read a matrix downwards take up to twice as long.
constexpr std::size_t spread_stride(std::size_t columns) {
  constexpr std::size_t kLineFloats = 16;
  return ((columns + kLineFloats - 1) / kLineFloats | 1) * kLineFloats;
}

/// A square matrix of F32 for products, all zeros at first.
class SpreadSquare {
 public:
  explicit SpreadSquare(std::size_t n = 0) : stride_(spread_stride(n)), values_(n * stride_) {}
  float* row(std::size_t i) noexcept { return values_.data() + i * stride_; }
  const float* row(std::size_t i) const noexcept { return values_.data() + i * stride_; }
  /// The matrix from an element on, as a factor.
  Floats<const float> from(std::size_t row_index, std::size_t column) const {
    return {row(row_index) + column, stride_};
  }
  std::size_t stride() const noexcept { return stride_; }

 private:
  std::size_t stride_;
  std::vector<float> values_;
};

}  // namespace pare::calibrate
