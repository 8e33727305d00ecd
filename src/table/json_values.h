// Converts results to JSON text.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/json_text.h"

namespace pare::table {

using Json = nlohmann::ordered_json;

inline Json number(double value) { return base::number_or_null(value); }

inline Json numbers(const std::vector<double>& values) {
  Json list = Json::array();
  for (const double value : values) list.push_back(number(value));
  return list;
}

}  // namespace pare::table
