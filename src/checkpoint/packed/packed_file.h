// Packed tensors recognised in a safetensors file.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "checkpoint/source.h"

namespace pare::checkpoint {

/// A parsed safetensors file that pare packed, with the tensors that its own stand for. `records` and `header` are
/// kPackedKey and kHeaderKey of its metadata. Throws Error for parts that are missing, left over, or do not fit
/// together.
SourceFile unpack_pare_file(const SourceFile& file, std::string_view records, const std::optional<std::string>& header,
                            const std::filesystem::path& path);

/// The same for one that compressed-tensors packed. Other files are returned as they are.
SourceFile unpack_bitmasks(SourceFile file, const std::filesystem::path& path);

}  // namespace pare::checkpoint
