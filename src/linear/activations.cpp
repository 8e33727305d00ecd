#include "linear/activations.h"

#include "kernels/sparse/sparse.h"

namespace pare::linear {

Activations::Activations(const Activations& like, std::size_t elements) : width(like.width) {
  rows = like.rows;
  columns = elements;
  values.resize(elements * (is_panel() ? width : rows));
}

std::size_t most_panel_tokens() { return kernels::kMostVectors * kernels::lanes(); }

std::size_t panel_width(std::size_t tokens) {
  const std::size_t lanes = kernels::lanes();
  return (tokens + lanes - 1) / lanes * lanes;
}

Activations to_panel(const Matrix& x, std::size_t first, std::size_t tokens) {
  Activations panel;
  panel.rows = tokens;
  panel.columns = x.columns;
  panel.width = panel_width(tokens);
  panel.values.resize(x.columns * panel.width);
  kernels::to_panel(x.row(first), x.columns, tokens, x.columns, panel.values.data(), panel.width);
  return panel;
}

void to_rows(const Activations& panel, float* rows, std::size_t stride) {
  kernels::from_panel(panel.values.data(), panel.width, panel.rows, panel.columns, nullptr, rows, stride);
}

}  // namespace pare::linear
