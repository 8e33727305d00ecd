// Files of torch.save before 1.6, which torch.load still reads:
//
//   a pickle of the magic number 0x1950a86a20f9469cfc6c
//   a pickle of the protocol version, 1001
//   a pickle of a dict that describes the machine (little_endian, ...)
//   the pickled object; tensors refer to storages by key
//   a pickle of the list of keys
//   for each key, in this order: the number of elements (8 bytes) and the elements
#pragma once

#include <memory>

#include "base/bytes.h"
#include "checkpoint/source.h"

namespace pare::checkpoint {

bool is_legacy_torch(base::Bytes bytes) noexcept;

/// Reads such a file as parse_torch_archive() reads an archive. Throws Error for anything malformed, data after the
/// last storage included.
SourceFile read_legacy(base::Bytes bytes, const std::filesystem::path& path, std::shared_ptr<const void> owner,
                       const Context& context);

}  // namespace pare::checkpoint
