// Numbers that Python's json reads and simdjson does not.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace pare::base {

// The marks that plain_numbers() puts in place of numbers that strict JSON cannot express.
inline constexpr double kInfinityMark = 1.7976931348623101e308;
inline constexpr double kNanMark = 1.7976931348622001e308;

/// `text` with its integers of 2^64 and more (below -2^63) spelled as floating-point numbers, and numbers beyond a
/// double, NaN and Infinity as the marks above; nullopt if it contains no such number. Linear; strings are left alone.
std::optional<std::string> plain_numbers(std::string_view text);

/// Nesting depth of the objects and lists in `text`. Its syntax is not checked.
std::size_t json_depth(std::string_view text) noexcept;

}  // namespace pare::base
