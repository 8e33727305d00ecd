#include "model/config.h"

#include "pare/error.h"

namespace pare::model {

Config::Config(const std::optional<std::string>& text, std::filesystem::path path) : path_(std::move(path)) {
  if (!text) return;
  document_ = std::make_shared<const base::JsonDocument>(*text, path_, base::kMutableJsonDepth);
  const base::JsonValue root = document_->root();
  if (!root.is_object()) throw Error(ErrorCode::kMalformed, path_, "is not a JSON object");
  take_members(root);
}

void Config::take_members(const base::JsonValue& object) {
  object.for_members([&](std::string_view key, const base::JsonValue& value) {
    members_.insert_or_assign(std::string(key), value);
    if (members_.size() > kMostMembers)
      object.fail("has more than " + std::to_string(kMostMembers) + " members", ErrorCode::kLimit);
  });
}

std::optional<base::JsonValue> Config::find(std::string_view key) const {
  const auto found = members_.find(key);
  return found == members_.end() || found->second.is_null() ? std::nullopt : std::optional(found->second);
}

std::optional<std::string> Config::text(std::string_view key) const {
  const auto value = find(key);
  return value ? std::optional(std::string(value->text())) : std::nullopt;
}

std::optional<std::uint64_t> Config::number(std::string_view key) const {
  const auto value = find(key);
  return value ? std::optional(value->unsigned_integer()) : std::nullopt;
}

std::optional<std::int32_t> Config::token_id(std::string_view key) const {
  const auto value = find(key);
  return value ? std::optional(value->token_id()) : std::nullopt;
}

std::optional<double> Config::real(std::string_view key) const {
  const auto value = find(key);
  return value ? std::optional(value->number()) : std::nullopt;
}

std::optional<bool> Config::flag(std::string_view key) const {
  const auto value = find(key);
  return value ? std::optional(value->boolean()) : std::nullopt;
}

bool Config::lists(std::string_view key, std::uint64_t number) const {
  const auto value = find(key);
  std::size_t count = 0;
  bool found = false;
  if (value)
    value->for_elements([&](const base::JsonValue& element) {
      if (++count > kMostListed) value->fail("has too many elements", ErrorCode::kLimit);
      found |= element.unsigned_integer() == number;
    });
  return found;
}

bool Config::is_null(std::string_view key) const {
  const auto found = members_.find(key);
  return found != members_.end() && found->second.is_null();
}

std::vector<std::string> Config::texts(std::string_view key) const {
  std::vector<std::string> all;
  if (const auto value = find(key))
    value->for_elements([&](const base::JsonValue& element) { all.emplace_back(element.text()); });
  return all;
}

std::vector<double> Config::reals(std::string_view key) const {
  std::vector<double> all;
  if (const auto value = find(key))
    value->for_elements([&](const base::JsonValue& element) { all.push_back(element.number()); });
  return all;
}

bool Config::mentions(std::string_view key, std::string_view word) const {
  const auto value = find(key);
  if (!value) return false;
  bool found = false;
  if (value->is_list()) {
    value->for_elements([&](const base::JsonValue& element) { found |= element.text() == word; });
    return found;
  }
  return ("|" + std::string(value->text()) + "|").find("|" + std::string(word) + "|") != std::string::npos;
}

std::string Config::first_architecture() const {
  const auto value = find("architectures");
  if (!value) return {};
  std::optional<std::string> first;
  value->for_elements([&](const base::JsonValue& name) {
    if (!first) first = name.text();
  });
  return first.value_or("");
}

Config Config::nested(std::string_view key) const {
  Config config;
  config.path_ = path_;
  config.document_ = document_;
  const auto part = find(key);
  if (!part) return config;
  if (!part->is_object()) part->at("");  // reports the type
  config.take_members(*part);
  return config;
}

}  // namespace pare::model
