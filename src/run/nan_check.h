// Where a forward pass goes wrong: the first part whose output holds NaN.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "pare/run.h"

namespace pare::run {

class NanCheck {
 public:
  explicit NanCheck(std::string source) : source_(std::move(source)) {}
  const std::string& source() const noexcept { return source_; }

  /// Throws Error that names the part and the first row of `x`, a token's each, with NaN in it.
  void part(const Matrix& x, std::string_view name) const;

 private:
  std::string source_;
};

}  // namespace pare::run
