#include "checkpoint/index.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/json.h"
#include "pare/error.h"

namespace pare::checkpoint {
namespace {

constexpr std::size_t kIndexLimit = 100'000'000;

/// Whether a path stays below the directory of the index.
bool is_inside(std::string_view path) {
  if (path.find('\\') != std::string_view::npos || path.find('\0') != std::string_view::npos) return false;
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view part = path.substr(begin, end - begin);
    if (part.empty() || part == "." || part == "..") return false;
    begin = end + 1;
  }
  return true;
}

}  // namespace

ShardIndex parse_index(std::string_view text, const std::filesystem::path& path) {
  if (text.size() > kIndexLimit)
    throw Error(ErrorCode::kLimit, path, fmt::format("the index is larger than {} bytes", kIndexLimit));
  if (text.empty()) throw Error(ErrorCode::kMalformed, path, "the index is empty");
  const base::JsonDocument document(text, path, base::kJsonDepth, "the index");
  const base::JsonValue root = document.root();
  const auto weights = root.is_object() ? root.find("weight_map") : std::nullopt;
  if (!weights || !weights->is_object())
    throw Error(ErrorCode::kMalformed, path, "the index has no 'weight_map' object");
  ShardIndex index;
  std::set<std::string> shards;
  weights->for_members([&](std::string_view tensor, const base::JsonValue& file) {
    if (!file.is_text())
      throw Error(ErrorCode::kMalformed, path, std::string(tensor), "its entry in 'weight_map' is not a file name");
    const std::string_view shard = file.text();
    if (!is_inside(shard))
      throw Error(ErrorCode::kMalformed, path, std::string(tensor),
                  fmt::format("shard '{}' is not a file below the directory of the index", shard));
    index.weight_map.insert_or_assign(std::string(tensor), std::string(shard));
  });
  for (const auto& [tensor, shard] : index.weight_map) shards.insert(shard);
  if (shards.empty()) throw Error(ErrorCode::kMalformed, path, "the index names no tensor");
  index.shards.assign(shards.begin(), shards.end());
  return index;
}

}  // namespace pare::checkpoint
