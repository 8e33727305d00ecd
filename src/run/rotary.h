// Rotary positions (Su et al. 2021).
#pragma once

#include <cstddef>
#include <vector>

#include "kernels/attend.h"
#include "linear/activations.h"
#include "run/spec.h"

namespace pare::run {

/// Cosines and sines of the angles of `count` positions from `first` on, in a sequence of `length` tokens.
class RotaryTable {
 public:
  RotaryTable(const RotarySpec& spec, std::size_t first, std::size_t count, std::size_t length);

  /// Rotates `heads` heads of `head_width` elements, one after the other in each of the table's rows. `rows` are token
  /// by token.
  void rotate(kernels::HeadResult rows, std::size_t heads, std::size_t head_width) const;

 private:
  friend class RotaryPanel;
  Matrix cosines_, sines_;  ///< count x half
};

/// The same for some of a table's tokens as a panel.
class RotaryPanel {
 public:
  RotaryPanel(const RotaryTable& table, std::size_t first, std::size_t count);
  void rotate(kernels::HeadResult panel, std::size_t heads, std::size_t head_width) const;

 private:
  linear::Activations cosines_, sines_;
};

}  // namespace pare::run
