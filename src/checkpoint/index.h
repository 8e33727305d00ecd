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
  std::vector<std::string> shards;                ///< paths, each once, in order
  std::map<std::string, std::string> weight_map;  ///< tensor to shard
};

/// Parses the text of a *.index.json; of a tensor's entries the last counts, as in Python. Throws Error naming `path`.
/// A shard is a relative path without "..", so that an index cannot reach outside its directory.
ShardIndex parse_index(std::string_view text, const std::filesystem::path& path);

}  // namespace pare::checkpoint
