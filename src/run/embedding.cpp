#include "run/embedding.h"

#include <fmt/format.h>

#include "pare/error.h"

namespace pare::run {

namespace {

std::size_t row_of(const Table& table, TokenId id) {
  if (id < 0 || static_cast<std::size_t>(id) >= table.rows())
    throw Error(ErrorCode::kArgument,
                fmt::format("token id {} is not in the model's vocabulary of {}", id, table.rows()));
  return static_cast<std::size_t>(id);
}

}  // namespace

Matrix look_up(const Table& table, std::span<const TokenId> ids) {
  Matrix rows = Matrix::unset(ids.size(), table.columns());
  for (std::size_t i = 0; i < ids.size(); ++i) table.copy_row(row_of(table, ids[i]), rows.row(i));
  return rows;
}

void add_rows(const Table& table, std::span<const TokenId> ids, Matrix& x) {
  for (std::size_t i = 0; i < ids.size(); ++i) table.add_row(row_of(table, ids[i]), x.row(i));
}

void check_length(std::size_t before, std::size_t length, std::size_t positions) {
  if (before + length > positions)
    throw Error(ErrorCode::kLimit, fmt::format("a sequence of {} tokens is longer than the model's {} positions",
                                               before + length, positions));
}

}  // namespace pare::run
