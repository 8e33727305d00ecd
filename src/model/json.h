// Parsing of hostile JSON into nlohmann's values. Apart from config.h, which keeps them out of sight.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "pare/error.h"

namespace pare::model {

/// Copying and writing a value recurses, so a configuration must not nest without end.
inline constexpr int kDeepestNesting = 64;

/// Throws Error naming `path` for text that is no JSON object, with the place and the cause.
template <class Json>
Json parse_config(const std::string& text, const std::filesystem::path& path) {
  const auto guard = [&](int depth, typename Json::parse_event_t, Json&) {
    if (depth > kDeepestNesting) throw Error(path, "nests too deeply");
    return true;
  };
  Json value;
  try {
    value = Json::parse(text, guard);
  } catch (const typename Json::parse_error& error) {
    // "[json.exception.parse_error.101] parse error at line 1, column 2: ...": the number says nothing.
    const std::string cause = error.what();
    const auto end = cause.find("] ");
    throw Error(path, "is no valid JSON: " + (end == std::string::npos ? cause : cause.substr(end + 2)));
  }
  if (!value.is_object()) throw Error(path, "is no JSON object");
  return value;
}

}  // namespace pare::model
