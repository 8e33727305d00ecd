// Numbers and lists in running text.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace pare::table {

/// "a", "a and b", "a, b and c". Of more than `most` + 1 items only `most`: "a, b, c and 21 more".
std::string enumeration(const std::vector<std::string>& items,
                        std::size_t most = std::numeric_limits<std::size_t>::max());
/// "1 tensor", "1,234 tensors".
std::string plural(std::uint64_t count, std::string_view noun);

}  // namespace pare::table
