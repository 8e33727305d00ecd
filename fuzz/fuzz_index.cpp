// Index files of sharded checkpoints: any bytes as a *.index.json.
#include <algorithm>

#include "checkpoint/index.h"
#include "fuzz/check.h"
#include "pare/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // The parser may not read past the text, so it stands in a block of exactly its size.
  const std::string text(reinterpret_cast<const char*>(data), size);
  try {
    const auto index = pare::checkpoint::parse_index(text, "fuzz.index.json");
    pare::fuzz::require(index.size() != 0, "an index names tensors");
    pare::fuzz::require(std::is_sorted(index.shards().begin(), index.shards().end()), "shards are in order of name");
    for (std::size_t entry = 0; entry < index.size(); ++entry)
      pare::fuzz::require(index.shard(entry) < index.shards().size() && index.find(index.tensor(entry)) == entry,
                          "every tensor is found, and its shard is listed");
    for (const std::string& shard : index.shards())
      pare::fuzz::require(!shard.empty() && shard.front() != '/' &&
                              ("/" + shard + "/").find("/../") == std::string::npos &&
                              shard.find('\0') == std::string::npos,
                          "a shard is a path that stays below the index");
  } catch (const pare::Error&) {
  }
  return 0;
}
