// A parsed checkpoint file, which the reader of every format returns.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "pare/checkpoint.h"

namespace pare::checkpoint {

class GgufMetadata;

struct SourceFile {
  std::vector<TensorView> tensors;             ///< in data order; TensorView::file is 0
  std::span<const std::byte> header;           ///< safetensors: length bytes and JSON, verbatim and before packing
  std::span<const std::byte> metadata_header;  ///< as in CheckpointFile
  std::uint64_t size = 0;                      ///< size of the file, bytes
  std::vector<std::string> stored_names;       ///< names of the stored parts of a packed file; else empty
  std::vector<std::string> notes;              ///< as Checkpoint::notes()
  FileVersion version;  ///< version of the file when it was opened; without a path if parsed from bytes
  std::shared_ptr<const GgufMetadata> gguf;  ///< of a GGUF file; else nullptr
  std::shared_ptr<const void> keep_alive;    ///< owns the tensors' bytes
};

/// All throw pare::Error naming `path`, the tensor and the cause for anything malformed. The parse_ forms take the
/// file's bytes (for fuzzing and tests); `owner` keeps them alive.
SourceFile read_safetensors(const std::filesystem::path& path);
SourceFile parse_safetensors(std::span<const std::byte> bytes, const std::filesystem::path& path,
                             std::shared_ptr<const void> owner);
SourceFile read_torch_archive(const std::filesystem::path& path, const Context& context = {});
SourceFile parse_torch_archive(std::span<const std::byte> bytes, const std::filesystem::path& path,
                               std::shared_ptr<const void> owner, const Context& context = {});

SourceFile read_gguf(const std::filesystem::path& path, const Context& context = {});
SourceFile parse_gguf(std::span<const std::byte> bytes, const std::filesystem::path& path,
                      std::shared_ptr<const void> owner);

}  // namespace pare::checkpoint
