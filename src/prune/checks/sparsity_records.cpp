#include "prune/checks/sparsity_records.h"

#include <filesystem>

#include "base/json.h"
#include "pare/error.h"
#include "pare/publish.h"

namespace pare::prune {
namespace {

/// "2:4"; nullopt for anything else, such as "unstructured" or compressed-tensors' "0:0".
std::optional<Pattern> n_of_m(const std::optional<base::JsonValue>& text) {
  if (!text || !text->is_text()) return std::nullopt;
  try {
    const Pattern pattern = Pattern::parse(text->text());
    if (pattern.kind == Pattern::Kind::kNOfM) return pattern;
  } catch (const Error&) {  // a structure that pare does not know
  }
  return std::nullopt;
}

void read_sparsity(const base::JsonValue& sparsity, SparsityRecords& records) {
  records.structure = n_of_m(sparsity.find("sparsity_structure"));
  if (const auto share = sparsity.find("global_sparsity");
      share && share->is_number() && share->number() >= 0 && share->number() <= 1)
    records.global_sparsity = share->number();
  const auto ignored = sparsity.find("ignore");
  if (!ignored || !ignored->is_list()) return;
  ignored->for_elements([&](const base::JsonValue& module) {
    if (module.is_text()) records.ignored.push_back("*" + glob_of(module.text()) + ".weight");
  });
}

void read_config(const base::JsonValue& config, SparsityRecords& records) {
  for (const char* key : {"quantization_config", "compression_config"}) {
    const auto entry = config.find(key);
    if (!entry || !entry->is_object()) continue;
    if (const auto sparsity = entry->find("sparsity_config"); sparsity && sparsity->is_object())
      read_sparsity(*sparsity, records);
    // compressed-tensors lists what it quantizes in config_groups; other libraries have a quantization_config only if
    // they quantize.
    const auto method = entry->find("quant_method");
    const auto groups = entry->find("config_groups");
    const bool compressed = method && method->is_text() && method->text() == "compressed-tensors";
    bool has_group = false;
    if (groups && groups->is_object())
      groups->for_members([&](std::string_view, const base::JsonValue&) { has_group = true; });
    if (method && (!compressed || has_group)) records.quantized = true;
  }
  if (const auto sparsity = config.find("sparsity_config"); sparsity && sparsity->is_object())
    read_sparsity(*sparsity, records);
}

void read_manifest(const base::JsonValue& manifest, SparsityRecords& records) {
  const auto format = manifest.find("format"), tensors = manifest.find("tensors");
  if (!format || !format->is_text() || format->text() != "pare-prune" || !tensors || !tensors->is_list()) return;
  records.pattern = n_of_m(manifest.find("pattern"));
  tensors->for_elements([&](const base::JsonValue& tensor) {
    if (!tensor.is_object()) return;
    const auto name = tensor.find("name"), zeros = tensor.find("zeros");
    if (name && name->is_text() && zeros && zeros->is_unsigned())
      records.zeros.insert_or_assign(std::string(name->text()), zeros->unsigned_integer());
  });
}

/// Calls read(root) for a JSON file of the model's directory, if it is there.
template <class Read>
void read_file(const Model& model, const char* name, const Read& read) {
  const std::filesystem::path path = model.checkpoint.directory() / name;
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) return;
  const base::JsonFile file(path);
  read(file.root());
}

}  // namespace

SparsityRecords read_records(const Model& model) {
  SparsityRecords records;
  read_file(model, "config.json", [&](const base::JsonValue& root) { read_config(root, records); });
  read_file(model, kOutputMarker, [&](const base::JsonValue& root) { read_manifest(root, records); });
  return records;
}

}  // namespace pare::prune
