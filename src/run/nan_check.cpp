#include "run/nan_check.h"

#include <fmt/format.h>

#include "kernels/elementwise.h"
#include "pare/error.h"

namespace pare::run {

void NanCheck::part(const Matrix& x, std::string_view name) const {
  if (!kernels::has_nan(x.values.data(), x.values.size())) return;
  std::size_t row = 0;
  while (!kernels::has_nan(x.row(row), x.columns)) ++row;
  throw Error(
      ErrorCode::kMalformed, source_,
      fmt::format("NaN appears first in the output of {}, at token {} of {} run together", name, row + 1, x.rows));
}

}  // namespace pare::run
