// Index files: which shard holds which tensor.
#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pare::checkpoint {

struct ShardIndex {
  std::vector<std::string> shards;                ///< file names, each once, in order of name
  std::map<std::string, std::string> weight_map;  ///< tensor to shard
};

/// Parses the text of a *.index.json. Throws Error naming `path`; a shard must be a plain file
/// name, so that an index cannot reach outside its directory.
ShardIndex parse_index(std::string_view text, const std::filesystem::path& path);

}  // namespace pare::checkpoint
