#include "model/sparsity_config.h"

#include <nlohmann/json.hpp>
#include <string_view>

namespace pare::model {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kKey = "quantization_config";
constexpr std::string_view kLineBegin =
    "\n  \"quantization_config\": {\"quant_method\":\"compressed-tensors\",\"sparsity_config\":";
constexpr std::string_view kFormat = "sparse-bitmask";

/// A pattern for a module's name, whatever the class puts before it.
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

bool is_sparsity_alone(const Json& entry) {
  if (!entry.is_object() || entry.value("quant_method", Json()) != "compressed-tensors") return false;
  const Json sparsity = entry.value("sparsity_config", Json());
  if (!sparsity.is_object() || sparsity.value("format", Json()) != kFormat) return false;
  const Json groups = entry.value("config_groups", Json());
  return groups.is_null() || groups.empty();
}

}  // namespace

std::string with_sparsity_config(const std::string& config, const std::vector<std::string>& modules, double sparsity) {
  const Json json = Json::parse(config, nullptr, false);
  if (!json.is_object() || json.empty() || json.contains(kKey)) return config;
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
  return config.substr(0, brace) + "\n  \"" + kKey +
         "\": " + entry.dump(-1, ' ', false, Json::error_handler_t::replace) + "," + config.substr(brace);
}

std::string without_sparsity_config(const std::string& config) {
  Json json = Json::parse(config, nullptr, false);
  if (!json.is_object() || !json.contains(kKey) || !is_sparsity_alone(json[kKey])) return config;
  json.erase(kKey);
  // Pare's own line: cut out where it ends, which is where what is left says the same.
  const std::size_t brace = config.find('{') + 1;
  if (config.compare(brace, kLineBegin.size(), kLineBegin) == 0)
    for (std::size_t end = config.find("}},", brace); end != std::string::npos; end = config.find("}},", end + 1)) {
      std::string rest = config.substr(0, brace) + config.substr(end + 3);
      if (Json::parse(rest, nullptr, false) == json) return rest;
    }
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace pare::model
