// Copies a value that was read into nlohmann's type, which can be changed and written.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <type_traits>

#include "base/json.h"

namespace pare::base {

/// Copies `value`; the last of duplicate keys counts. Recurses: read the document with kMutableJsonDepth or less.
template <class Json>
Json mutable_json(const JsonValue& value) {
  if (value.is_object()) {
    Json object = Json::object();
    std::map<std::string, std::size_t, std::less<>> places;  // ordered_json would look up each key linearly
    auto& members = object.template get_ref<typename Json::object_t&>();
    value.for_members([&](std::string_view key, const JsonValue& member) {
      if constexpr (std::is_same_v<Json, nlohmann::ordered_json>) {
        const auto [place, added] = places.try_emplace(std::string(key), members.size());
        if (added)
          members.emplace_back(std::string(key), mutable_json<Json>(member));
        else
          members.begin()[static_cast<std::ptrdiff_t>(place->second)].second = mutable_json<Json>(member);
      } else {
        members[std::string(key)] = mutable_json<Json>(member);
      }
    });
    return object;
  }
  if (value.is_list()) {
    Json list = Json::array();
    value.for_elements([&](const JsonValue& element) { list.push_back(mutable_json<Json>(element)); });
    return list;
  }
  if (value.is_text()) return std::string(value.text());
  if (value.is_boolean()) return value.boolean();
  if (value.is_null()) return nullptr;
  if (value.is_unsigned()) return value.unsigned_integer();
  if (value.is_integer()) return value.integer();
  return value.number();
}

}  // namespace pare::base
