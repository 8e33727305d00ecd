#include "run/nan_check.h"

#include "kernels/elementwise.h"
#include "pare/error.h"

namespace pare::run {
namespace {

[[noreturn]] void refuse(const std::string& source, const Matrix& x, const std::string& part) {
  std::size_t row = 0;
  while (!kernels::has_nan(x.row(row), x.columns)) ++row;
  throw Error(ErrorCode::kMalformed, source,
              "NaN appears first in the output of " + part + ", at token " + std::to_string(row + 1) + " of " +
                  std::to_string(x.rows) + " run together");
}

}  // namespace

void NanCheck::layer(const Matrix& x, std::size_t index) const {
  if (kernels::has_nan(x.values.data(), x.values.size())) refuse(source_, x, stem_ + std::to_string(index));
}

void NanCheck::part(const Matrix& x, const char* name) const {
  if (kernels::has_nan(x.values.data(), x.values.size())) refuse(source_, x, name);
}

}  // namespace pare::run
