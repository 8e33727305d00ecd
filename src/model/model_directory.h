// Reads and writes the files beside a model's weights.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "pare/model.h"

namespace pare::model {

/// Contents of a model directory other than weights and side files.
struct DirectoryTexts {
  std::string config;                ///< config.json; if empty, none is written
  std::optional<std::string> index;  ///< model.safetensors.index.json, for several files of weights
  std::string manifest;              ///< pare.json, which marks the directory as pare's own output
};

/// Finishes a model directory inside a base::OutputDirectory, once its weights are written: side files, config.json,
/// index and pare.json. Throws Error.
void finish_directory(const Model& model, const DirectoryTexts& texts, const std::filesystem::path& directory);

}  // namespace pare::model
