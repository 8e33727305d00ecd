#include "model/gguf/gguf_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/json_text.h"
#include "model/gguf/gguf_changes.h"
#include "model/gguf/gguf_names.h"
#include "model/gguf/gguf_tokenizer.h"
#include "pare/error.h"

namespace pare::model {
namespace {

using checkpoint::GgufMetadata;
using Json = nlohmann::ordered_json;

constexpr std::size_t kNamedUnused = 3;  // tensors that a note names

std::string stored_type(const TensorView& tensor) {
  const EncodedTensor* encoded = tensor.bytes.encoded();
  return std::string(encoded == nullptr ? dtype_name(tensor.dtype) : encoded->stored_type());
}

/// F32 if a matrix has F32 values, computed ones included; else the first matrix's dtype.
std::string dtype_of_matrices(std::span<const TensorView> tensors) {
  DType dtype = DType::kF32;
  bool any = false;
  for (const TensorView& tensor : tensors) {
    if (tensor.shape.size() < 2 || !is_analyzed(tensor.dtype)) continue;
    if (tensor.dtype == DType::kF32) return "float32";
    if (!any) dtype = tensor.dtype;
    any = true;
  }
  return dtype == DType::kF16 ? "float16" : dtype == DType::kBF16 ? "bfloat16" : "float32";
}

class GgufReader {
 public:
  GgufReader(const Checkpoint& source, const GgufArchitecture& architecture)
      : source_(source), metadata_(*source.gguf()), architecture_(architecture) {}

  Checkpoint checkpoint(std::vector<std::string>& notes) {
    std::vector<CheckpointFile> files(source_.files().begin(), source_.files().end());
    std::vector<TensorView> tensors;
    std::vector<std::string> unused;
    for (CheckpointFile& file : files) {
      std::vector<std::size_t> kept;
      for (const std::size_t index : file.tensors) {
        const TensorView& tensor = source_.tensors()[index];
        const auto target = transformers_name(architecture_, tensor.name);
        if (!target) {
          unused.push_back(tensor.name);
          continue;
        }
        kept.push_back(tensors.size());
        tensors.push_back(changed(tensor, target->change));
        tensors.back().name = target->name;
      }
      file.tensors = std::move(kept);
    }
    if (!unused.empty())
      notes.push_back(fmt::format(
          "left out {} of the file's tensors, which {} does not have in transformers: {}{}", unused.size(),
          architecture_.class_name,
          fmt::join(unused.begin(), unused.begin() + static_cast<std::ptrdiff_t>(std::min(kNamedUnused, unused.size())),
                    ", "),
          unused.size() > kNamedUnused ? ", ..." : ""));
    std::string text = config(tensors);
    return Checkpoint::from_tensors(std::move(tensors), std::move(files), source_.directory(),
                                    std::make_shared<const Checkpoint>(source_), std::move(text));
  }

 private:
  std::string key(std::string_view setting) const { return fmt::format("{}.{}", architecture_.name, setting); }

  std::uint64_t heads(bool of_keys) const {
    const auto queries = metadata_.integer(key("attention.head_count"));
    const auto keys = metadata_.integer(key("attention.head_count_kv"));
    const auto count = of_keys && keys ? keys : queries;
    return count && *count > 0 ? static_cast<std::uint64_t>(*count) : 0;
  }

  TensorView changed(const TensorView& tensor, GgufChange change) const {
    switch (change) {
      case GgufChange::kNone:
        return tensor;
      case GgufChange::kQueryRows:
      case GgufChange::kKeyRows: {
        // As in transformers: without both settings, rows stay where they are.
        if (!metadata_.integer(key("attention.head_count_kv"))) return tensor;
        const std::uint64_t count = heads(change == GgufChange::kKeyRows);
        const std::uint64_t rows = tensor.shape.empty() ? 0 : tensor.shape[0];
        if (count == 0 || rows == 0 || rows % (2 * count) != 0 || tensor.shape.size() > 2)
          throw Error(ErrorCode::kMismatch, metadata_.path(), tensor.name,
                      fmt::format("has {} rows (expected a multiple of twice the {} heads)", rows, count));
        return with_head_rows(tensor, count);
      }
      case GgufChange::kOffset:
        return is_analyzed(tensor.dtype) ? with_offset(tensor, -1) : tensor;
      case GgufChange::kTransposed:
        if (tensor.shape.size() != 2)
          throw Error(ErrorCode::kMismatch, metadata_.path(), tensor.name,
                      fmt::format("has {} axes (expected 2)", tensor.shape.size()));
        return transposed(tensor);
    }
    return tensor;
  }

  std::string config(std::span<const TensorView> tensors) const {
    Json json = Json::object();
    // A Mistral has the architecture "llama", and only its name tells.
    const bool mistral = architecture_.name == "llama" && metadata_.text("general.name") == "mistral";
    json["architectures"] = {mistral ? "MistralForCausalLM" : architecture_.class_name};
    json["model_type"] = mistral ? "mistral" : architecture_.model_type;
    for (const GgufSetting& setting : architecture_.settings) {
      const auto* value = metadata_.find(key(setting.gguf));
      if (value == nullptr) continue;
      if (value->kind == checkpoint::GgufKind::kF32 || value->kind == checkpoint::GgufKind::kF64)
        json[std::string(setting.transformers)] = *metadata_.number(key(setting.gguf));
      else
        json[std::string(setting.transformers)] = *metadata_.integer(key(setting.gguf));
    }
    if (!json.contains("vocab_size"))
      if (const auto* tokens = metadata_.find("tokenizer.ggml.tokens")) json["vocab_size"] = tokens->count;
    json["tie_word_embeddings"] = source_.find("output.weight") == nullptr;
    for (const auto& [from, to] : {std::pair("bos", "bos_token_id"), std::pair("eos", "eos_token_id"),
                                   std::pair("unknown", "unk_token_id"), std::pair("padding", "pad_token_id")})
      if (const auto id = metadata_.integer(fmt::format("tokenizer.ggml.{}_token_id", from))) json[to] = *id;
    json["dtype"] = dtype_of_matrices(tensors);
    return base::indented_text(json);
  }

  const Checkpoint& source_;
  const GgufMetadata& metadata_;
  const GgufArchitecture& architecture_;
};

/// "values are computed from Q4_1 (210 tensors) and Q8_0 (1)"
void note_types(const Checkpoint& checkpoint, std::vector<std::string>& notes) {
  std::map<std::string, std::size_t> counts;
  for (const TensorView& tensor : checkpoint.tensors())
    if (tensor.bytes.encoded() != nullptr && !parse_dtype(stored_type(tensor))) ++counts[stored_type(tensor)];
  if (counts.empty()) return;
  std::vector<std::string> parts;
  for (const auto& [type, count] : counts)
    parts.push_back(fmt::format("{} ({} {})", type, count, count == 1 ? "tensor" : "tensors"));
  notes.push_back(
      fmt::format("weights are quantized, and shown as their dequantized values: {}", fmt::join(parts, ", ")));
}

}  // namespace

GgufModel read_gguf_model(const Checkpoint& source) {
  const GgufMetadata& metadata = *source.gguf();
  const std::string name = metadata.text("general.architecture").value_or("");
  const GgufArchitecture* architecture = find_gguf_architecture(name);
  GgufModel model{source, {}, {}};
  if (architecture == nullptr) {
    model.notes.push_back(fmt::format("tensors keep the file's names, because the architecture '{}' is unknown", name));
  } else {
    model.checkpoint = GgufReader(source, *architecture).checkpoint(model.notes);
    model.texts = gguf_tokenizer_texts(metadata, model.notes);
    const auto scaling = metadata.text(name + ".rope.scaling.type");
    if (scaling && *scaling != "none")
      model.notes.push_back(
          fmt::format("the file scales rotary positions ('{}'), which is ignored, as in transformers", *scaling));
  }
  note_types(source, model.notes);
  return model;
}

}  // namespace pare::model
