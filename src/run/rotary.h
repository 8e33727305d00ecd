// Rotary positions (Su et al. 2021).
#pragma once

#include <cstddef>

#include "run/spec.h"

namespace pare::run {

/// Cosines and sines of the angles of `count` positions from `first` on, in a sequence of `length` tokens.
class RotaryTable {
 public:
  RotaryTable(const RotarySpec& spec, std::size_t first, std::size_t count, std::size_t length);

  /// Rotates `heads` heads of `head_width` elements, which lie one after the other in each of the table's rows:
  /// row i begins at data + i * stride.
  void rotate(float* data, std::size_t stride, std::size_t heads, std::size_t head_width) const;

 private:
  std::size_t half_, count_;
  std::vector<float> cosines_, sines_;  ///< count x half
};

}  // namespace pare::run
