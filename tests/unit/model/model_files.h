// Models made of named tensors, in memory and on disk.
#pragma once

#include <cstring>
#include <filesystem>
#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "checkpoint/safetensors/safetensors_writer.h"
#include "model/resolver.h"
#include "pare/model.h"
#include "support/files.h"

namespace pare::test {

/// A tensor to make; every byte of its data is `fill`.
struct Stored {
  std::string name;
  std::vector<std::uint64_t> shape;
  unsigned char fill = 0;
  DType dtype = DType::kF32;
};

inline Checkpoint make_checkpoint(const std::vector<Stored>& stored) {
  auto data = std::make_shared<std::vector<std::vector<std::byte>>>();
  std::vector<TensorView> tensors;
  CheckpointFile file;
  file.output_name = "model.safetensors";
  for (const Stored& tensor : stored) {
    TensorView view;
    view.name = tensor.name;
    view.dtype = tensor.dtype;
    view.shape = tensor.shape;
    data->emplace_back(view.elements() * dtype_bits(tensor.dtype) / 8, std::byte{tensor.fill});
    view.bytes = data->back();
    file.tensors.push_back(tensors.size());
    tensors.push_back(std::move(view));
  }
  return Checkpoint::from_tensors(std::move(tensors), {std::move(file)}, "/nowhere", data);
}

inline Model resolve(const std::vector<Stored>& stored, const std::string& config, const std::string& as_class = {}) {
  Model model{"test", "test", {}, {}, make_checkpoint(stored), {}, {}, {}, {}, {}, {}};
  pare::model::resolve(model, pare::model::Config(config.empty() ? std::nullopt : std::optional(config), "config.json"),
                       as_class);
  return model;
}

/// A model directory: model.safetensors and, unless empty, config.json.
inline void write_model(const std::filesystem::path& directory, const std::vector<Stored>& stored,
                        const std::string& config, const std::string& file = "model.safetensors") {
  const Checkpoint checkpoint = make_checkpoint(stored);
  std::vector<const TensorView*> views;
  for (const TensorView& tensor : checkpoint.tensors()) views.push_back(&tensor);
  std::string bytes = pare::checkpoint::plan_layout(views, {{"format", "pt"}}).header;
  for (const TensorView* tensor : views)
    bytes.append(reinterpret_cast<const char*>(tensor->bytes.data()), tensor->bytes.size());
  write_text(directory / file, bytes);
  if (!config.empty()) write_text(directory / "config.json", config);
}

inline std::vector<std::string> names_of(const Model& model) {
  std::vector<std::string> names;
  for (const Parameter& parameter : model.parameters) names.push_back(parameter.name);
  return names;
}

inline const Parameter* find(const Model& model, const std::string& name) {
  for (const Parameter& parameter : model.parameters)
    if (parameter.name == name) return &parameter;
  return nullptr;
}

/// The reason why a tensor is left out; empty if it is not left out.
inline std::string reason(const Model& model, const std::string& name) {
  for (const LeftOut& left : model.left_out)
    if (left.name == name) return left.reason;
  return {};
}

/// Two tiny blocks of GPT-2, under a prefix.
inline std::vector<Stored> tiny_gpt2(const std::string& prefix = {}) {
  std::vector<Stored> stored{{prefix + "wte.weight", {5, 4}, 1}, {prefix + "wpe.weight", {3, 4}, 2}};
  for (const char* block : {"h.0.", "h.1."})
    for (const auto& [name, shape] :
         std::vector<std::pair<std::string, std::vector<std::uint64_t>>>{{"ln_1.weight", {4}},
                                                                         {"ln_1.bias", {4}},
                                                                         {"attn.c_attn.weight", {4, 12}},
                                                                         {"attn.c_attn.bias", {12}},
                                                                         {"attn.c_proj.weight", {4, 4}},
                                                                         {"attn.c_proj.bias", {4}},
                                                                         {"ln_2.weight", {4}},
                                                                         {"ln_2.bias", {4}},
                                                                         {"mlp.c_fc.weight", {4, 16}},
                                                                         {"mlp.c_fc.bias", {16}},
                                                                         {"mlp.c_proj.weight", {16, 4}},
                                                                         {"mlp.c_proj.bias", {4}}})
      stored.push_back({prefix + block + name, shape, 3});
  stored.push_back({prefix + "ln_f.weight", {4}, 4});
  stored.push_back({prefix + "ln_f.bias", {4}, 5});
  return stored;
}

}  // namespace pare::test
