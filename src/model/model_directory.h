// What lies beside a model's weights, read and written.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "pare/model.h"

namespace pare::model {

/// What a model directory holds beside weights and side files.
struct DirectoryTexts {
  std::string config;                ///< config.json; empty: none is written
  std::optional<std::string> index;  ///< model.safetensors.index.json, for several files of weights
  std::string manifest;              ///< pare.json, by which pare recognizes its own output
};

/// Finishes a model directory inside a base::OutputDirectory, once its weights are written: side files, config.json,
/// index and pare.json. Throws Error.
void finish_directory(const Model& model, const DirectoryTexts& texts, const std::filesystem::path& directory);

}  // namespace pare::model
