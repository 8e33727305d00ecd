// One checkpoint file, parsed: what every format's reader returns.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "pare/checkpoint.h"

namespace pare::checkpoint {

struct SourceFile {
  std::vector<TensorView> tensors;             ///< in data order; TensorView::file left 0
  std::span<const std::byte> header;           ///< safetensors: length bytes and JSON, verbatim and before packing
  std::span<const std::byte> metadata_header;  ///< as of CheckpointFile
  std::uint64_t size = 0;                      ///< of the file, bytes
  std::vector<std::string> stored_names;       ///< of what a packed file holds in the tensors' stead; else empty
  FileVersion version;                         ///< of the file when it was opened; no path: made from bytes
  std::shared_ptr<const void> keep_alive;      ///< owns the tensors' bytes
};

/// Both throw pare::Error naming `path`, the tensor and the cause for anything malformed.
/// The parse_ forms take the file's bytes (for fuzzing and tests); `owner` keeps them alive.
SourceFile read_safetensors(const std::filesystem::path& path);
SourceFile parse_safetensors(std::span<const std::byte> bytes, const std::filesystem::path& path,
                             std::shared_ptr<const void> owner);
SourceFile read_torch_archive(const std::filesystem::path& path, const Context& context = {});
SourceFile parse_torch_archive(std::span<const std::byte> bytes, const std::filesystem::path& path,
                               std::shared_ptr<const void> owner, const Context& context = {});

}  // namespace pare::checkpoint
