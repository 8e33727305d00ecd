// Helpers shared by tables, JSON and sentences about scores.
#pragma once

#include <string>

#include "pare/results.h"

namespace pare::table {

/// "69.00 % ± 2.07", "2.363 ± 0.011".
std::string score_text(const Score& score);
/// The value without its error: "69.00 %", "2.363".
std::string score_value_text(const Score& score);

}  // namespace pare::table
