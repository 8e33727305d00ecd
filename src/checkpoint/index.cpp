#include "checkpoint/index.h"

#include <fmt/format.h>

#include <set>

#include "base/json.h"
#include "pare/error.h"

namespace pare::checkpoint {
namespace {

constexpr std::size_t kIndexLimit = 100'000'000;

bool is_plain_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string_view::npos &&
         name.find('\\') == std::string_view::npos && name.find('\0') == std::string_view::npos;
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
    if (!is_plain_name(shard))
      throw Error(ErrorCode::kMalformed, path, std::string(tensor),
                  fmt::format("shard '{}' is not a plain file name", shard));
    if (!index.weight_map.emplace(tensor, shard).second)
      throw Error(ErrorCode::kMalformed, path, std::string(tensor), "the name appears twice in 'weight_map'");
    shards.emplace(shard);
  });
  if (shards.empty()) throw Error(ErrorCode::kMalformed, path, "the index names no tensor");
  index.shards.assign(shards.begin(), shards.end());
  return index;
}

}  // namespace pare::checkpoint
