// How results become JSON text.
#pragma once

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace pare::table {

using Json = nlohmann::ordered_json;

/// Null for NaN and infinities, which JSON cannot express.
inline Json number(double value) { return std::isfinite(value) ? Json(value) : Json(); }

inline Json numbers(const std::vector<double>& values) {
  Json list = Json::array();
  for (const double value : values) list.push_back(number(value));
  return list;
}

/// Names come from files: bytes that are not UTF-8 become U+FFFD.
inline std::string text_of(const Json& json) { return json.dump(2, ' ', false, Json::error_handler_t::replace) + '\n'; }

}  // namespace pare::table
