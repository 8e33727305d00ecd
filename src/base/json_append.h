// Builds large JSON objects in linear time.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

namespace pare::base {

/// Appends a member to an object. `key` must be new: unlike operator[], which compares it with every key before it,
/// this takes constant time.
inline void append_member(nlohmann::ordered_json& object, std::string key, nlohmann::ordered_json value) {
  using Members = nlohmann::ordered_json::object_t;
  object.get_ref<Members&>().Members::Container::emplace_back(std::move(key), std::move(value));
}

}  // namespace pare::base
