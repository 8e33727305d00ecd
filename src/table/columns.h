// Columns whose CSV header is their title.
#pragma once

#include <string>

#include "pare/table.h"

namespace pare::table {

/// Of names.
inline Column left(const std::string& title, bool code = false) { return {title, title, true, code}; }
/// Of numbers.
inline Column right(const std::string& title) { return {title, title}; }

}  // namespace pare::table
