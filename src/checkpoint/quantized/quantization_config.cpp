#include "checkpoint/quantized/quantization_config.h"

#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/json.h"
#include "base/json_mutable.h"
#include "base/json_text.h"
#include "pare/error.h"

namespace pare::checkpoint {
namespace {

constexpr const char* kEntry = "quantization_config";
constexpr const char* kFormerEntry = "compression_config";  // of compressed-tensors
constexpr const char* kInner = "text_config";

std::unique_ptr<const base::JsonDocument> parse_object(const std::string& config, const std::filesystem::path& path) {
  try {
    auto document = std::make_unique<const base::JsonDocument>(config, path, base::kMutableJsonDepth);
    return document->root().is_object() ? std::move(document) : nullptr;
  } catch (const Error&) {
    return nullptr;
  }
}

std::optional<base::JsonValue> find_entry(const base::JsonValue& root) {
  for (const char* key : {kEntry, kFormerEntry})
    if (auto entry = root.find(key); entry && entry->is_object()) return entry;
  if (const auto inner = root.find(kInner); inner && inner->is_object()) return find_entry(*inner);
  return std::nullopt;
}

void parse_block_size(const base::JsonValue& entry, QuantizationConfig& config) {
  const auto size = entry.find("weight_block_size");
  if (!size) return;
  std::vector<std::uint64_t> extents;
  if (size->is_list())
    size->for_elements([&](const base::JsonValue& extent) { extents.push_back(extent.unsigned_integer()); });
  if (extents.size() != 2 || extents[0] == 0 || extents[1] == 0) size->fail("expected two positive integers");
  config.block_rows = extents[0];
  config.block_columns = extents[1];
}

}  // namespace

QuantizationConfig parse_quantization_config(const std::string& text, const std::filesystem::path& path) {
  QuantizationConfig config;
  const auto document = parse_object(text, path);
  if (!document) return config;
  const auto entry = find_entry(document->root());
  if (!entry) return config;
  if (const auto method = entry->find("quant_method"); method && method->is_text()) config.method = method->text();
  if (const auto format = entry->find("checkpoint_format"); format && format->is_text())
    config.checkpoint_format = format->text();
  for (const char* key : {"bits", "w_bit"})
    if (const auto bits = entry->find(key); bits && !config.bits && bits->is_unsigned())
      config.bits = bits->unsigned_integer();
  parse_block_size(*entry, config);
  return config;
}

std::string without_quantization_config(const std::string& config) {
  const auto document = parse_object(config, "config.json");
  if (!document || !find_entry(document->root())) return config;
  auto json = base::mutable_json<nlohmann::ordered_json>(document->root());
  const auto erase = [](nlohmann::ordered_json& object) {
    for (const char* key : {kEntry, kFormerEntry}) object.erase(key);
  };
  erase(json);
  if (json.contains(kInner) && json[kInner].is_object()) erase(json[kInner]);
  return base::indented_text(json);
}

}  // namespace pare::checkpoint
