// pare.json, the record of how a checkpoint was pruned.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "pare/prune.h"

namespace pare::prune {

/// XXH3-128 of each source file, as `xxhsum -H2` prints it (of the tensors' bytes if tensors came from no file).
struct SourceHash {
  std::string file;
  std::uint64_t bytes = 0;
  std::string xxh3_128;
};
/// A hash as bytes, and back.
std::vector<std::byte> hash_bytes(const SourceHash& hash);
SourceHash parse_hash(std::span<const std::byte> bytes);
SourceHash hash_source(const Checkpoint& checkpoint, std::size_t file, const Context& context);

/// The files that this process of a group reads and writes: without a group, all.
std::vector<std::size_t> own_files(const Checkpoint& checkpoint, const Context& context);
/// On rank 0 of a group, the hashes of all files in order; `own` are those of own_files(). Elsewhere nothing.
std::vector<SourceHash> of_all_files(const Checkpoint& checkpoint, const std::vector<SourceHash>& own,
                                     const Context& context);
/// The hashes of all files, on rank 0 of a group; each process reads its own files.
std::vector<SourceHash> hash_sources(const Checkpoint& checkpoint, const Context& context);

/// Text of one level's pare.json.
std::string level_manifest(const Model& model, const PrunePlan& plan, std::size_t level,
                           const std::vector<SourceHash>& sources);

/// Text of the pare.json above several levels.
std::string plan_manifest(const Model& model, const PrunePlan& plan, const std::vector<SourceHash>& sources);

}  // namespace pare::prune
