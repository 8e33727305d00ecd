// Writes the small files beside packed and unpacked weights.
#pragma once

#include <string>
#include <vector>

#include "pare/pack.h"

namespace pare::pack {

/// Text of pare.json: its previous content (of a pruned model) and how the model was packed.
std::string packed_manifest(const Model& model, const PackSummary& summary, const PackOptions& options,
                            const Context& context);
/// Text of pare.json without the record of packing; `format` is what it says if the model has none ("pare-unpack").
std::string dense_manifest(const Model& model, const char* format, const Context& context);

/// Contents of a packed file.
struct StoredFile {
  std::string name;
  std::vector<std::string> tensors;
  std::uint64_t data_bytes = 0;
};
/// Text of the model.safetensors.index.json of packed shards.
std::string packed_index(const std::vector<StoredFile>& files);

}  // namespace pare::pack
