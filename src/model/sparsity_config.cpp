#include "model/sparsity_config.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "base/json_mutable.h"
#include "base/json_text.h"
#include "pare/error.h"

namespace pare::model {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kKey = "quantization_config";
constexpr const char* kSparsity = "sparsity_config";
constexpr std::string_view kLineBegin =
    "\n  \"quantization_config\": {\"quant_method\":\"compressed-tensors\",\"sparsity_config\":";
constexpr std::string_view kFormat = "sparse-bitmask";

/// A pattern for a module's name with any prefix of the class.
std::string pattern_of(const std::string& module) {
  std::string pattern = "re:(.*[.])?";
  for (const char c : module) {
    if (c == '.') {
      pattern += "[.]";
    } else {
      pattern += c;
    }
  }
  return pattern + "$";
}

bool is_text(const std::optional<base::JsonValue>& value, std::string_view text) {
  return value && value->is_text() && value->text() == text;
}

bool is_empty(const base::JsonValue& value) {
  std::size_t size = 0;
  if (value.is_object())
    value.for_members([&](std::string_view, const base::JsonValue&) { ++size; });
  else if (value.is_list())
    value.for_elements([&](const base::JsonValue&) { ++size; });
  else
    return false;
  return size == 0;
}

/// The sparsity_config of an entry of compressed-tensors.
std::optional<base::JsonValue> find_sparsity(const base::JsonValue& entry) {
  if (!entry.is_object() || !is_text(entry.find("quant_method"), "compressed-tensors")) return std::nullopt;
  const auto sparsity = entry.find(kSparsity);
  if (!sparsity || !sparsity->is_object()) return std::nullopt;
  const auto format = sparsity->find("format");
  return format && format->is_text() ? sparsity : std::nullopt;
}

/// Whether the entry says nothing about quantization.
bool is_sparsity_alone(const base::JsonValue& entry) {
  const auto groups = entry.find("config_groups");
  return !groups || is_empty(*groups);
}

/// The configuration, unless it is not a JSON object: the next reader reports why.
std::unique_ptr<const base::JsonDocument> parsed(const std::string& config) {
  try {
    auto document = std::make_unique<const base::JsonDocument>(config, "config.json", base::kMutableJsonDepth);
    return document->root().is_object() ? std::move(document) : nullptr;
  } catch (const Error&) {
    return nullptr;
  }
}

/// Whether there is a member `key`, even if it is null.
bool has_key(const base::JsonValue& object, std::string_view key) {
  bool found = false;
  object.for_members([&](std::string_view name, const base::JsonValue&) { found = found || name == key; });
  return found;
}

/// The position after the object that begins at `at`; npos if it has no end.
std::size_t end_of_object(const std::string& text, std::size_t at) {
  std::size_t depth = 0;
  for (bool in_string = false; at < text.size(); ++at) {
    const char c = text[at];
    if (in_string) {
      if (c == '\\') ++at;
      in_string = c != '"';
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{') {
      ++depth;
    } else if (c == '}' && --depth == 0) {
      return at + 1;
    }
  }
  return std::string::npos;
}

}  // namespace

std::string with_sparsity_config(const std::string& config, const std::vector<std::string>& modules, double sparsity) {
  const auto document = parsed(config);
  if (!document || is_empty(document->root()) || has_key(document->root(), kKey)) return config;
  Json targets = Json::array();
  for (const std::string& module : modules) targets.push_back(pattern_of(module));
  const Json entry{{"quant_method", "compressed-tensors"},
                   {"sparsity_config",
                    {{"format", kFormat},
                     {"global_sparsity", sparsity},
                     {"ignore", Json::array()},
                     {"sparsity_structure", "unstructured"},
                     {"targets", std::move(targets)}}}};
  const std::size_t brace = config.find('{') + 1;
  return config.substr(0, brace) + "\n  \"" + kKey + "\": " + base::compact_text(entry) + "," + config.substr(brace);
}

std::optional<std::string> sparsity_format(const std::string& config) {
  const auto document = parsed(config);
  const auto entry = document ? document->root().find(kKey) : std::nullopt;
  const auto sparsity = entry ? find_sparsity(*entry) : std::nullopt;
  if (!sparsity) return std::nullopt;
  return std::string(sparsity->find("format")->text());
}

std::string without_sparsity_config(const std::string& config) {
  const auto document = parsed(config);
  if (!document) return config;
  const auto entry = document->root().find(kKey);
  if (!entry || !find_sparsity(*entry)) return config;
  Json json;
  if (!is_sparsity_alone(*entry)) {
    json = base::mutable_json<Json>(document->root());
    json[kKey].erase(kSparsity);
    return base::indented_text(json);
  }
  // Pare's own line is cut out, so that every other byte stays as it was.
  const std::size_t brace = config.find('{') + 1;
  if (config.compare(brace, kLineBegin.size(), kLineBegin) == 0) {
    const std::size_t end = end_of_object(config, config.find('{', brace));
    if (end < config.size() && config[end] == ',') {
      std::string rest = config.substr(0, brace) + config.substr(end + 1);
      if (const auto left = parsed(rest); left && !has_key(left->root(), kKey)) return rest;
    }
  }
  json = base::mutable_json<Json>(document->root());
  json.erase(kKey);
  return base::indented_text(json);
}

}  // namespace pare::model
