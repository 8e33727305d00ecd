// GGUF files as sources of tensors, and models that are split into several files.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/gguf/gguf_metadata.h"
#include "checkpoint/source.h"

namespace pare::checkpoint {

/// Place of a file in a split model: part `number` (from 0) of `count`.
struct GgufPart {
  std::int64_t number = 0, count = 1;
};
/// Throws Error (kMalformed) if the metadata contradict themselves.
GgufPart part_of(const GgufMetadata& metadata);
/// Paths of the parts after the first, for the path of the first, which ends in "-00001-of-0000N.gguf". Throws Error:
/// kMismatch if the name does not, or names another part than the metadata; kNotFound if a part is missing.
std::vector<std::filesystem::path> later_parts(const std::filesystem::path& first, const GgufPart& part);
/// Whether the name is that of a part after the first.
bool is_later_part(const std::filesystem::path& path);

}  // namespace pare::checkpoint
