// The header of a GGUF file: metadata and the list of tensors.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "checkpoint/gguf/gguf_metadata.h"
#include "checkpoint/gguf/gguf_types.h"

namespace pare::checkpoint {

struct GgufEntry {
  std::string name;
  const GgufType* type = nullptr;
  std::vector<std::uint64_t> shape;  ///< slowest axis first, as everywhere in pare; the file has the reverse
  base::Bytes data;
};

struct GgufHeader {
  std::shared_ptr<const GgufMetadata> metadata;
  std::vector<GgufEntry> tensors;  ///< in data order
};

/// Parses versions 2 and 3. Checks every count, size and offset before it is used, and that tensors do not overlap.
/// Throws Error naming `path` and the tensor or key: kMalformed, kUnsupported (an older or newer version, big-endian
/// files, types that pare does not read), kLimit.
GgufHeader parse_gguf_header(base::Bytes bytes, const std::filesystem::path& path, std::shared_ptr<const void> owner);

/// Whether the bytes begin as a GGUF file does.
bool is_gguf(base::Bytes bytes) noexcept;

}  // namespace pare::checkpoint
