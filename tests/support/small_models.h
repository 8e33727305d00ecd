// The demo's models at a third of their widths, for tests that solve every layer several times.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "pare/checkpoint.h"
#include "support/files.h"
#include "support/safetensors.h"

namespace pare::test {

/// Dimensions that grow with the width, from a configuration of GPT-2, BERT or T5; tokens, positions and heads do not.
inline std::set<std::uint64_t> widths_in(const nlohmann::json& config) {
  std::set<std::uint64_t> widths;
  for (const char* key : {"n_embd", "hidden_size", "intermediate_size", "d_model", "d_ff"})
    if (config.contains(key)) widths.insert(config[key].get<std::uint64_t>());
  if (config.contains("n_embd"))
    for (const std::uint64_t factor : {3U, 4U}) widths.insert(factor * config["n_embd"].get<std::uint64_t>());
  return widths;
}

/// A checkpoint with the upper left part of every tensor (F32).
inline std::string third_of_tensors(const Checkpoint& checkpoint, const std::set<std::uint64_t>& widths) {
  const auto third = [&](std::uint64_t dimension) { return widths.contains(dimension) ? dimension / 3 : dimension; };
  nlohmann::ordered_json header;
  std::string data;
  for (const TensorView& tensor : checkpoint.tensors()) {
    const std::size_t columns = tensor.shape.back(), rows = tensor.bytes.size() / sizeof(float) / columns,
                      kept_columns = third(columns), kept_rows = tensor.shape.size() == 1 ? 1 : third(rows),
                      begin = data.size();
    for (std::size_t row = 0; row < kept_rows; ++row)
      data.append(reinterpret_cast<const char*>(tensor.bytes.data()) + row * columns * sizeof(float),
                  kept_columns * sizeof(float));
    std::vector<std::uint64_t> shape{kept_columns};
    if (tensor.shape.size() == 2) shape.insert(shape.begin(), kept_rows);
    header[tensor.name] = {{"dtype", "F32"}, {"shape", shape}, {"data_offsets", {begin, data.size()}}};
  }
  return safetensors(header.dump(), data);
}

/// The directory of a demo model with a third of its widths: the same layers, heads, tokenizer and names of tensors.
/// What it computes makes no sense. It is made once in a process and removed when that ends.
inline std::string small_model(const std::string& name) {
  static const TemporaryDirectory directory;
  const std::filesystem::path folder = directory / name, demo = std::string(PARE_SOURCE_DIR) + "/demo/models/" + name;
  if (std::filesystem::exists(folder)) return folder;
  std::filesystem::copy(demo, folder);
  nlohmann::json config = nlohmann::json::parse(read_text(demo / "config.json"));
  write_text(folder / "model.safetensors",
             third_of_tensors(Checkpoint::open((demo / "model.safetensors").string()), widths_in(config)));
  for (const char* width : {"n_embd", "hidden_size", "intermediate_size", "d_model", "d_ff", "d_kv"})
    if (config.contains(width)) config[width] = config[width].get<int>() / 3;
  write_text(folder / "config.json", config.dump());
  return folder;
}

}  // namespace pare::test
