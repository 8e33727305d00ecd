#include "base/json_numbers.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>

namespace pare::base {
namespace {

/// The position after the string that begins at `at`.
std::size_t end_of_string(std::string_view text, std::size_t at) noexcept {
  for (++at; at < text.size() && text[at] != '"'; ++at)
    if (text[at] == '\\') ++at;
  return std::min(at + 1, text.size());
}

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

std::size_t end_of_digits(std::string_view text, std::size_t at) noexcept {
  while (at < text.size() && is_digit(text[at])) ++at;
  return at;
}

std::string spelled(double value) {
  char text[40];
  const char* end = std::to_chars(text, text + sizeof text, value, std::chars_format::scientific).ptr;
  return std::string(static_cast<const char*>(text), end);
}

std::string mark_for(double value) {
  if (std::isnan(value)) return spelled(kNanMark);
  return spelled(std::isinf(value) ? std::copysign(kInfinityMark, value) : value);
}

/// The number at `at` as strict JSON spells it, if that differs; sets `end` to the position after it.
std::optional<std::string> respelled(std::string_view text, std::size_t at, std::size_t& end) {
  const std::size_t first = at + (text[at] == '-' ? 1 : 0);
  end = end_of_digits(text, first);
  if (end == first) return std::nullopt;
  bool whole = true;
  if (end + 1 < text.size() && text[end] == '.' && is_digit(text[end + 1])) {
    whole = false;
    end = end_of_digits(text, end + 1);
  }
  if (end < text.size() && (text[end] == 'e' || text[end] == 'E')) {
    const std::size_t digits = end + 1 + (end + 1 < text.size() && (text[end + 1] == '-' || text[end + 1] == '+'));
    if (digits < text.size() && is_digit(text[digits])) {
      whole = false;
      end = end_of_digits(text, digits);
    }
  }
  if (text[first] == '0' && first + 1 < text.size() && is_digit(text[first + 1])) return std::nullopt;  // not JSON
  const std::string number(text.substr(at, end - at));
  const char* const behind = number.data() + number.size();
  if (whole) {
    std::int64_t small = 0;
    std::uint64_t large = 0;
    if (std::from_chars(number.data(), behind, small).ec == std::errc() ||
        (text[at] != '-' && std::from_chars(number.data(), behind, large).ec == std::errc()))
      return std::nullopt;
    return mark_for(std::strtod(number.c_str(), nullptr));
  }
  const double value = std::strtod(number.c_str(), nullptr);
  if (std::isinf(value)) return mark_for(value);
  return std::nullopt;
}

}  // namespace

std::optional<std::string> plain_numbers(std::string_view text) {
  std::string result;
  std::size_t copied = 0;
  const auto replace = [&](std::size_t begin, std::size_t end, const std::string& by) {
    result.append(text, copied, begin - copied).append(by);
    copied = end;
  };
  for (std::size_t at = 0; at < text.size();) {
    const std::string_view rest = text.substr(at);
    const char c = text[at];
    if (c == '"') {
      at = end_of_string(text, at);
    } else if (rest.starts_with("NaN")) {
      replace(at, at + 3, mark_for(NAN));
      at += 3;
    } else if (rest.starts_with("Infinity") || rest.starts_with("-Infinity")) {
      const std::size_t end = at + (c == '-' ? 9 : 8);
      replace(at, end, mark_for(c == '-' ? -INFINITY : INFINITY));
      at = end;
    } else if (c == '-' || is_digit(c)) {
      std::size_t end = at;
      if (const auto by = respelled(text, at, end)) replace(at, end, *by);
      at = std::max(end, at + 1);
    } else {
      ++at;
    }
  }
  if (copied == 0) return std::nullopt;
  result.append(text, copied);
  return result;
}

std::size_t json_depth(std::string_view text) noexcept {
  std::size_t depth = 0, deepest = 0;
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (c == '"') {
      at = end_of_string(text, at);
      continue;
    }
    if (c == '[' || c == '{') deepest = std::max(deepest, ++depth);
    if ((c == ']' || c == '}') && depth > 0) --depth;
    ++at;
  }
  return deepest;
}

}  // namespace pare::base
