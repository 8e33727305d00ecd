// Size of a checkpoint after general-purpose compression.
#pragma once

#include <cstdint>

#include "pare/model.h"

namespace pare::bench {

/// Bytes of gzip members, one for each MiB of each tensor of the files, at libdeflate's level 6; headers of files are
/// counted uncompressed. Throws Error, Interrupted.
std::uint64_t gzip_size(const Checkpoint& checkpoint, const Context& context);

}  // namespace pare::bench
