#include "model/config.h"

#include "model/json.h"
#include "pare/error.h"

namespace pare::model {

struct Config::Json {
  nlohmann::json value = nlohmann::json::object();

  const nlohmann::json* find(std::string_view key) const {
    const auto found = value.find(key);
    return found == value.end() || found->is_null() ? nullptr : &*found;
  }
};

namespace {

[[noreturn]] void wrong_type(const std::filesystem::path& path, std::string_view key, const char* expected) {
  throw Error(path, "'" + std::string(key) + "' is not " + expected);
}

}  // namespace

Config::Config() : json_(std::make_unique<Json>()) {}
Config::~Config() = default;
Config::Config(const Config& other) : json_(std::make_unique<Json>(*other.json_)), path_(other.path_) {}

Config::Config(const std::optional<std::string>& text, std::filesystem::path path) : Config() {
  path_ = std::move(path);
  if (!text) return;
  json_->value = parse_config<nlohmann::json>(*text, path_);
}

std::optional<std::string> Config::text(std::string_view key) const {
  const nlohmann::json* value = json_->find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) wrong_type(path_, key, "a string");
  return value->get<std::string>();
}

std::optional<std::uint64_t> Config::number(std::string_view key) const {
  const nlohmann::json* value = json_->find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number_unsigned()) wrong_type(path_, key, "a non-negative integer");
  return value->get<std::uint64_t>();
}

std::optional<double> Config::real(std::string_view key) const {
  const nlohmann::json* value = json_->find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number()) wrong_type(path_, key, "a number");
  return value->get<double>();
}

std::optional<bool> Config::flag(std::string_view key) const {
  const nlohmann::json* value = json_->find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_boolean()) wrong_type(path_, key, "true or false");
  return value->get<bool>();
}

std::string Config::first_architecture() const {
  const nlohmann::json* value = json_->find("architectures");
  if (value == nullptr) return {};
  if (!value->is_array() || (!value->empty() && !value->front().is_string()))
    wrong_type(path_, "architectures", "a list of class names");
  return value->empty() ? std::string() : value->front().get<std::string>();
}

Config Config::nested(std::string_view key) const {
  Config config;
  config.path_ = path_;
  const nlohmann::json* value = json_->find(key);
  if (value == nullptr) return config;
  if (!value->is_object()) wrong_type(path_, key, "an object");
  config.json_->value = *value;
  return config;
}

}  // namespace pare::model
