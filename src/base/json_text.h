// How JSON is written, to files and to standard output.
#pragma once

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>

namespace pare::base {

/// Null for NaN and infinities, which JSON cannot express.
inline nlohmann::ordered_json number_or_null(double value) {
  return std::isfinite(value) ? nlohmann::ordered_json(value) : nlohmann::ordered_json();
}

// Names come from files: bytes that are not UTF-8 become U+FFFD.

/// Indented by two spaces; ends with a line feed.
template <class Json>
std::string indented_text(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

/// On one line, without a line feed.
template <class Json>
std::string compact_text(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace pare::base
