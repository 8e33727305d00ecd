// Reading hostile JSON files member by member, with errors that say where.
#pragma once

#include <simdjson.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/file_map.h"
#include "pare/error.h"

namespace pare::tokenize {

/// A JSON value and the way to it from the file's root.
class JsonValue {
 public:
  JsonValue(simdjson::dom::element element, const std::filesystem::path& path, std::string place)
      : element_(element), path_(&path), place_(std::move(place)) {}

  [[noreturn]] void fail(const std::string& cause) const {
    throw Error(*path_, (place_.empty() ? "" : place_ + ": ") + cause);
  }

  bool is_null() const { return element_.is_null(); }
  bool is_text() const { return element_.is_string(); }
  bool is_object() const { return element_.is_object(); }
  bool is_list() const { return element_.is_array(); }

  std::string_view text() const { return get<std::string_view>("a string"); }
  bool boolean() const { return get<bool>("true or false"); }
  double number() const { return get<double>("a number"); }
  std::int64_t integer() const { return get<std::int64_t>("an integer"); }

  /// A member; nothing if it is not there or null.
  std::optional<JsonValue> find(std::string_view key) const {
    simdjson::dom::element found;
    const auto object = get<simdjson::dom::object>("an object");
    if (object.at_key(key).get(found) != simdjson::SUCCESS || found.is_null()) return std::nullopt;
    return JsonValue(found, *path_, below(key));
  }
  JsonValue at(std::string_view key) const {
    if (auto found = find(key)) return *found;
    fail("has no '" + std::string(key) + "'");
  }
  bool flag(std::string_view key, bool otherwise) const {
    const auto found = find(key);
    return found ? found->boolean() : otherwise;
  }

  /// Calls visit(key, value) for each member.
  template <class Visit>
  void for_members(Visit&& visit) const {
    for (const auto field : get<simdjson::dom::object>("an object"))
      visit(field.key, JsonValue(field.value, *path_, below(field.key)));
  }
  /// Calls visit(value) for each element. Their places have no numbers: a vocabulary has many elements.
  template <class Visit>
  void for_elements(Visit&& visit) const {
    for (const auto element : get<simdjson::dom::array>("a list")) visit(JsonValue(element, *path_, place_));
  }

 private:
  template <class Type>
  Type get(const char* what) const {
    Type value;
    if (element_.get(value) != simdjson::SUCCESS) fail(std::string("is not ") + what);
    return value;
  }
  std::string below(std::string_view key) const {
    if (key.size() > 100) key = key.substr(0, 100);
    return place_.empty() ? std::string(key) : place_ + "." + std::string(key);
  }

  simdjson::dom::element element_;
  const std::filesystem::path* path_;
  std::string place_;
};

/// A parsed file. Its values live as long as it does.
class JsonFile {
 public:
  /// Throws Error for a file that cannot be read or is no JSON object.
  explicit JsonFile(std::filesystem::path path) : path_(std::move(path)) {
    const auto map = base::FileMap::open(path_);
    if (map->bytes().empty()) throw Error(path_, "is no valid JSON: it is empty");
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(map->bytes().data());
    if (const auto error = parser_.parse(bytes, map->bytes().size()).get(root_))
      throw Error(path_, std::string("is no valid JSON: ") + simdjson::error_message(error));
    if (!root_.is_object()) throw Error(path_, "is no JSON object");
  }
  JsonFile(const JsonFile&) = delete;
  JsonFile& operator=(const JsonFile&) = delete;

  const std::filesystem::path& path() const noexcept { return path_; }
  JsonValue root() const { return JsonValue(root_, path_, ""); }

 private:
  std::filesystem::path path_;
  simdjson::dom::parser parser_;
  simdjson::dom::element root_;
};

}  // namespace pare::tokenize
