// Rows of embedding tables, looked up with suspicion.
#pragma once

#include <string>

#include "pare/run.h"

namespace pare::run {

/// A row of `table` (vocabulary x width) for each token of the batch. Throws Error for other ids.
Matrix look_up(const float* table, std::size_t vocabulary, std::size_t width, std::span<const TokenId> ids);

/// Throws Error if a sequence ends beyond `positions`; `before` are tokens already seen.
void check_length(std::size_t before, std::size_t length, std::size_t positions);

}  // namespace pare::run
