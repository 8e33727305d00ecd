// Packed tensors recognised in a safetensors file.
#pragma once

#include <filesystem>

#include "checkpoint/source.h"

namespace pare::checkpoint {

/// A parsed safetensors file that pare or compressed-tensors packed, with the tensors that its own stand for; others
/// as they are. Throws Error for parts that are missing, left over, or do not fit together.
SourceFile unpack_tensors(SourceFile file, const std::filesystem::path& path);

}  // namespace pare::checkpoint
