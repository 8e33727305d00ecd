#include "run/nan_check.h"

#include <fmt/format.h>

#include "kernels/elementwise.h"
#include "pare/error.h"

namespace pare::run {

void NanCheck::part(const linear::Activations& x, std::string_view name, std::size_t first, std::size_t all) const {
  if (!kernels::has_nan(x.values.data(), x.values.size())) return;
  if (!x.is_panel()) return tokens(x, name, first, all);
  Matrix rows = Matrix::unset(x.rows, x.columns);
  linear::to_rows(x, rows.values.data(), rows.columns);
  tokens(rows, name, first, all);
}

void NanCheck::tokens(const Matrix& x, std::string_view name, std::size_t first, std::size_t all) const {
  if (!kernels::has_nan(x.values.data(), x.values.size())) return;
  std::size_t row = 0;
  while (!kernels::has_nan(x.row(row), x.columns)) ++row;
  throw Error(
      ErrorCode::kMalformed, source_,
      fmt::format("NaN appears first in the output of {}, at token {} of {} run together", name, first + row + 1, all));
}

}  // namespace pare::run
