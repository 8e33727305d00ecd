// Products of F32 matrices by oneDNN, on the calling thread alone.
#pragma once

#include <cstddef>

namespace pare::calibrate {

/// A row-major matrix of F32; nothing is owned.
template <class T>
struct Floats {
  T* data;
  std::size_t stride;       ///< elements from a row to the next
  bool transposed = false;  ///< whether its transpose is multiplied
};

/// c = factor * a b + before * c, where c has `rows` x `columns` elements and the sum has `inner` terms. The result for
/// a given shape is always the same.
void multiply(Floats<const float> a, Floats<const float> b, std::size_t rows, std::size_t inner, std::size_t columns,
              float factor, float before, Floats<float> c);

}  // namespace pare::calibrate
