// The formats of checkpoint files. A new one is an entry of the table in formats.cpp.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "checkpoint/source.h"

namespace pare::checkpoint {

struct FileFormat {
  std::span<const std::string_view> extensions;  ///< with the dot
  std::string_view usual_name;                   ///< transformers' name for the file of a model with a single file
  /// Throws Error naming the path, the tensor and the cause for anything malformed; Interrupted.
  SourceFile (*read)(const std::filesystem::path& path, const Context& context);
  /// Name of the safetensors file to write in place of `path`.
  std::string (*output_name)(const std::filesystem::path& path);
  bool shares_storage;  ///< tied weights share one storage under several names, of which only one is written
};

/// In the order in which a directory's usual names are preferred.
std::span<const FileFormat> file_formats() noexcept;
/// The format of a file, told by its content or, if that is of no known format, by its name; nullptr if neither tells.
const FileFormat* format_of(const std::filesystem::path& path);
/// Whether files with this name are those of weights, and not what a Trainer saves beside them.
bool has_weights_name(const std::filesystem::path& path);

/// Ending of the name of index files, which map tensors to shards, in any format.
inline constexpr std::string_view kIndexExtension = ".index.json";
bool is_index(const std::filesystem::path& path);

}  // namespace pare::checkpoint
