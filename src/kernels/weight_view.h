// Weights in the type in which a checkpoint stores them.
#pragma once

#include <cstddef>

#include "kernels/moments.h"

namespace pare::kernels {

/// Bytes of a weight of a WeightView.
constexpr std::size_t weight_bytes(FloatType type) { return type == FloatType::kF32 ? 4 : 2; }

/// A row-major matrix of F32, F16 or BF16, aligned to an element. Kernels widen 16-bit weights in registers, which is
/// exact. Nothing is owned.
struct WeightView {
  const std::byte* data = nullptr;
  FloatType type = FloatType::kF32;  ///< not kF64
  std::size_t rows = 0, columns = 0;
  std::size_t stride = 0;  ///< elements from a row to the next

  WeightView() = default;
  WeightView(const void* begin, FloatType element, std::size_t row_count, std::size_t column_count)
      : data(static_cast<const std::byte*>(begin)),
        type(element),
        rows(row_count),
        columns(column_count),
        stride(column_count) {}
  WeightView(const float* begin, std::size_t row_count, std::size_t column_count)
      : WeightView(begin, FloatType::kF32, row_count, column_count) {}

  const std::byte* at(std::size_t row, std::size_t column = 0) const {
    return data + (row * stride + column) * weight_bytes(type);
  }
  /// Some of the rows and columns.
  WeightView part(std::size_t row, std::size_t row_count, std::size_t column, std::size_t column_count) const {
    WeightView some = *this;
    if (data != nullptr) some.data = at(row, column);
    some.rows = row_count;
    some.columns = column_count;
    return some;
  }
  std::size_t bytes() const { return rows * columns * weight_bytes(type); }
};

}  // namespace pare::kernels
