#include "checkpoint/safetensors/safetensors_writer.h"

#include <cstring>
#include <nlohmann/json.hpp>

#include "base/bytes.h"
#include "base/json_append.h"
#include "base/json_text.h"
#include "pare/error.h"

namespace pare::checkpoint {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kMetadataKey = "__metadata__";

}  // namespace

SafetensorsLayout plan_layout(std::span<const TensorView* const> tensors,
                              const std::map<std::string, std::string>& metadata) {
  Json json = Json::object();
  if (!metadata.empty()) json[kMetadataKey] = metadata;
  std::uint64_t end = 0;
  SafetensorsLayout layout;
  for (const TensorView* tensor : tensors) {
    layout.offsets.push_back(end);
    const std::uint64_t begin = end;
    end += tensor->bytes.size();
    if (tensor->name == kMetadataKey)
      throw Error(ErrorCode::kUnsupported, {}, tensor->name, "this name is reserved in safetensors files");
    base::append_member(
        json, tensor->name,
        {{"dtype", dtype_name(tensor->dtype)}, {"shape", tensor->shape}, {"data_offsets", {begin, end}}});
  }
  std::string text = base::compact_text(json);
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const std::uint64_t length = text.size();
  layout.header.resize(sizeof length);
  std::memcpy(layout.header.data(), &length, sizeof length);
  layout.header += text;
  for (std::uint64_t& offset : layout.offsets) offset += layout.header.size();
  layout.file_size = layout.header.size() + end;
  return layout;
}

SafetensorsLayout rewrite_layout(const Checkpoint& checkpoint, std::size_t file) {
  const CheckpointFile& source = checkpoint.files()[file];
  std::vector<const TensorView*> tensors;
  for (const std::size_t index : source.tensors) tensors.push_back(&checkpoint.tensors()[index]);
  if (source.header.empty()) {
    std::map<std::string, std::string> metadata = source.metadata();
    metadata.try_emplace("format", "pt");
    return plan_layout(tensors, metadata);
  }
  SafetensorsLayout layout;
  layout.header = base::as_text(source.header);
  std::uint64_t end = layout.header.size();
  for (const TensorView* tensor : tensors) {  // in data order, without holes: checked when read
    layout.offsets.push_back(end);
    end += tensor->bytes.size();
  }
  layout.file_size = end;
  return layout;
}

std::optional<std::string> rewrite_index(const Checkpoint& checkpoint) {
  if (checkpoint.files().size() < 2) return std::nullopt;
  Json weights = Json::object();
  std::uint64_t total = 0;
  for (const CheckpointFile& file : checkpoint.files())
    for (const std::size_t index : file.tensors) {
      const TensorView& tensor = checkpoint.tensors()[index];
      base::append_member(weights, tensor.name, file.output_name);
      total += tensor.bytes.size();
    }
  return base::indented_text(Json{{"metadata", {{"total_size", total}}}, {"weight_map", std::move(weights)}});
}

}  // namespace pare::checkpoint
