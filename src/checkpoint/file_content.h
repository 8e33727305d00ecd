// What a file is, told by its first bytes.
#pragma once

#include <cstdint>
#include <filesystem>

#include "base/bytes.h"

namespace pare::checkpoint {

enum class Content : std::uint8_t {
  kOther,
  kSafetensors,  ///< a plausible length, and the beginning of a JSON object
  kZip,
  kPickle,  ///< of protocol 2 to 5
  kGguf,
};

/// Of the first bytes of a file; 16 are enough.
Content content_of(base::Bytes beginning) noexcept;
/// Of a regular file that can be read; kOther for anything else.
Content content_of(const std::filesystem::path& path);

/// Throws Error naming what the bytes are, if they are those of a file that people find in place of weights: a Git LFS
/// pointer, a web page, JSON, a compressed file, weights of other programs.
void reject_content(base::Bytes bytes, const std::filesystem::path& path);

}  // namespace pare::checkpoint
