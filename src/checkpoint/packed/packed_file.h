// Finds the packed tensors in a safetensors file.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "checkpoint/source.h"

namespace pare::checkpoint {

/// Replaces the parts in a safetensors file that pare packed by the tensors that they encode. `records` and `header`
/// are the values of kPackedKey and kHeaderKey in its metadata. Throws Error for parts that are missing, left over, or
/// contradict each other.
SourceFile unpack_pare_file(const SourceFile& file, std::string_view records, const std::optional<std::string>& header,
                            const std::filesystem::path& path);

/// The same for a file that compressed-tensors packed. Other files are returned unchanged.
SourceFile unpack_bitmasks(SourceFile file, const std::filesystem::path& path);

}  // namespace pare::checkpoint
