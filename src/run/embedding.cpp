#include "run/embedding.h"

#include <fmt/format.h>

#include <algorithm>

#include "pare/error.h"

namespace pare::run {

Matrix look_up(const float* table, std::size_t vocabulary, std::size_t width, std::span<const TokenId> ids) {
  Matrix rows(ids.size(), width);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] < 0 || static_cast<std::size_t>(ids[i]) >= vocabulary)
      throw Error(ErrorCode::kArgument,
                  fmt::format("token id {} is not in the model's vocabulary of {}", ids[i], vocabulary));
    std::copy_n(table + static_cast<std::size_t>(ids[i]) * width, width, rows.row(i));
  }
  return rows;
}

void check_length(std::size_t before, std::size_t length, std::size_t positions) {
  if (before + length > positions)
    throw Error(ErrorCode::kLimit, fmt::format("a sequence of {} tokens is longer than the model's {} positions",
                                               before + length, positions));
}

}  // namespace pare::run
