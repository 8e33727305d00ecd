// What lies beside a model's weights.
#pragma once

#include <filesystem>
#include <string>

#include "pare/model.h"

namespace pare::model {

/// Copies the model's side files into a directory and writes `config` as its config.json, unless it is empty.
void write_side_files(const Model& model, const std::string& config, const std::filesystem::path& directory);

}  // namespace pare::model
