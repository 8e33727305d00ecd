// Where a forward pass goes wrong: the first part whose output holds NaN.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "linear/activations.h"
#include "pare/run.h"

namespace pare::run {

class NanCheck {
 public:
  explicit NanCheck(std::string source) : source_(std::move(source)) {}
  const std::string& source() const noexcept { return source_; }

  /// Throws Error that names the part and the first row of `x`, a token's each, with NaN in it.
  void part(const Matrix& x, std::string_view name) const { tokens(x, name, 0, x.rows); }
  /// The same for tokens from number `first` on, of `all` that are run together, as rows or a panel.
  void part(const linear::Activations& x, std::string_view name, std::size_t first, std::size_t all) const;

 private:
  void tokens(const Matrix& x, std::string_view name, std::size_t first, std::size_t all) const;

  std::string source_;
};

}  // namespace pare::run
