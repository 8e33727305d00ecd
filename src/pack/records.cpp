#include "pack/records.h"

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/json_append.h"
#include "base/json_mutable.h"
#include "base/json_text.h"
#include "pare/error.h"
#include "prune/manifest.h"

namespace pare::pack {
namespace {

using Json = nlohmann::ordered_json;

/// More levels than any pare.json that pare writes. The limit matters because indentation multiplies the size of deeper
/// files.
constexpr std::size_t kDeepestHistory = 8;

/// pare.json, if `pare prune` wrote it. A file of that name by another program, or a damaged one, is dropped; one that
/// cannot be read is an error.
std::optional<Json> pruned_history(const std::filesystem::path& path) {
  try {
    const base::JsonFile file(path, kDeepestHistory);
    const auto format = file.root().find("format");
    if (!format || !format->is_text() || format->text() != "pare-prune") return std::nullopt;
    return base::mutable_json<Json>(file.root());
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kMalformed && error.code() != ErrorCode::kLimit) throw;
    return std::nullopt;
  }
}

/// The model's own pare.json without the record of packing; if there is none, the source of the weights.
Json history(const Model& model, const char* format, const Context& context) {
  const std::filesystem::path path = model.checkpoint.directory() / "pare.json";
  const auto files = model.checkpoint.files();
  // A model with tensors from no file is a composition, and the file would belong to only one of its models.
  if (!files.empty() && !files.front().path.empty() && base::is_file(path))
    if (auto json = pruned_history(path)) {
      json->erase("packed");
      return *std::move(json);
    }
  Json sources = Json::array();
  for (const prune::SourceHash& hash : prune::hash_sources(model.checkpoint, context))
    sources.push_back({{"file", hash.file}, {"bytes", hash.bytes}, {"xxh3_128", hash.xxh3_128}});
  return {{"format", format}, {"version", 1}, {"model", model.title}, {"source", std::move(sources)}};
}

}  // namespace

std::string packed_manifest(const Model& model, const PackSummary& summary, const PackOptions& options,
                            const Context& context) {
  std::map<Encoding, std::uint64_t> tensors;
  for (const PackedSize& tensor : summary.tensors) ++tensors[tensor.encoding];
  Json encodings = Json::object();
  for (const auto& [encoding, count] : tensors) encodings[std::string(encoding_name(encoding))] = count;
  Json json = history(model, "pare-pack", context);
  json["packed"] = {{"zstd", options.zstd},
                    {"dense_bytes", summary.dense_bytes},
                    {"packed_bytes", summary.packed_bytes},
                    {"tensors", std::move(encodings)}};
  return base::indented_text(json);
}

std::string dense_manifest(const Model& model, const char* format, const Context& context) {
  return base::indented_text(history(model, format, context));
}

std::string packed_index(const std::vector<StoredFile>& files) {
  Json weights = Json::object();
  std::uint64_t total = 0;
  for (const StoredFile& file : files) {
    for (const std::string& tensor : file.tensors) base::append_member(weights, tensor, file.name);
    total += file.data_bytes;
  }
  return base::indented_text(Json{{"metadata", {{"total_size", total}}}, {"weight_map", std::move(weights)}});
}

}  // namespace pare::pack
