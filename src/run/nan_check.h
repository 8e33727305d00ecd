// Where a forward pass goes wrong: the first layer whose output holds NaN.
#pragma once

#include <cstddef>
#include <string>

#include "pare/run.h"

namespace pare::run {

class NanCheck {
 public:
  /// `stem` stands before a layer's number, as in the names of its parameters: "h.", "encoder.block.".
  NanCheck(std::string source, std::string stem) : source_(std::move(source)), stem_(std::move(stem)) {}

  /// Throws Error that names the part and the first row of `x`, a token's each, with NaN in it.
  void layer(const Matrix& x, std::size_t index) const;
  void embeddings(const Matrix& x) const { part(x, "the embeddings"); }
  /// What lies behind the last layer: the last norm, a head.
  void part(const Matrix& x, const char* name) const;

 private:
  std::string source_, stem_;
};

}  // namespace pare::run
