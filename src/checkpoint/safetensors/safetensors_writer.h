// Layout of a safetensors file to be written.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "pare/checkpoint.h"

namespace pare::checkpoint {

struct SafetensorsLayout {
  std::string header;                  ///< the 8 length bytes and the JSON
  std::vector<std::uint64_t> offsets;  ///< of each tensor in the file, in the order given
  std::uint64_t file_size = 0;
};

/// Tensors (name, dtype, shape) one after another in the order given. The header is padded with
/// spaces, as the reference writes it, so that the data begin at a multiple of 8.
SafetensorsLayout plan_layout(std::span<const TensorView* const> tensors,
                              const std::map<std::string, std::string>& metadata);

/// Layout for rewriting one file of a checkpoint, tensors in files()[file].tensors order: the source's own header if it
/// is safetensors (so that a copy differs in its data only), else a new one with the metadata {"format": "pt"} that
/// transformers requires.
SafetensorsLayout rewrite_layout(const Checkpoint& checkpoint, std::size_t file);

/// Text of the model.safetensors.index.json to write beside several files; nullopt for one file.
std::optional<std::string> rewrite_index(const Checkpoint& checkpoint);

}  // namespace pare::checkpoint
