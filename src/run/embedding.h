// Rows of embedding tables. Ids come from outside and are checked.
#pragma once

#include <span>

#include "pare/run.h"
#include "run/weights.h"

namespace pare::run {

/// A row of `table` for each id. Throws Error (kArgument) for an id that the table does not have.
Matrix look_up(const Table& table, std::span<const TokenId> ids);
/// Adds a row of `table` for each id to the rows of x. Throws Error likewise.
void add_rows(const Table& table, std::span<const TokenId> ids, Matrix& x);

/// Throws Error (kLimit) if a sequence ends beyond `positions`; `before` are tokens already seen.
void check_length(std::size_t before, std::size_t length, std::size_t positions);

}  // namespace pare::run
