// Hidden states inside a forward pass: token by token, or as a panel, which the sparse kernels read and write without
// turning them around.
#pragma once

#include <cstddef>

#include "pare/linear.h"

namespace pare::linear {

/// Either rows, as every Matrix, or a panel: element i of token t is values[i * width + t]. A panel has room for
/// `width` tokens, a multiple of kernels::lanes(); what is in the places of the tokens that it lacks is finite if the
/// inputs are, and means nothing.
struct Activations : Matrix {
  std::size_t width = 0;  ///< 0: rows

  Activations() = default;
  Activations(Matrix rows_by_token) : Matrix(std::move(rows_by_token)) {}  // NOLINT: the usual kind
  /// The same tokens in the same order with another number of elements, which are not set.
  Activations(const Activations& like, std::size_t elements);

  bool is_panel() const noexcept { return width != 0; }
  std::size_t token_stride() const noexcept { return is_panel() ? 1 : columns; }
  std::size_t element_stride() const noexcept { return is_panel() ? width : 1; }
};

/// Most tokens of a panel, and the width of one for so many.
std::size_t most_panel_tokens();
std::size_t panel_width(std::size_t tokens);

/// `tokens` rows of x from `first` on as a panel.
Activations to_panel(const Matrix& x, std::size_t first, std::size_t tokens);
/// The tokens of a panel as rows, of which each begins `stride` floats after the one before.
void to_rows(const Activations& panel, float* rows, std::size_t stride);

}  // namespace pare::linear
