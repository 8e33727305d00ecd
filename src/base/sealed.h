// Small binary files with magic, version and checksum.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string_view>
#include <vector>

#include "base/byte_reader.h"
#include "base/byte_writer.h"

namespace pare::base {

/// A kind of file: eight bytes of magic and four of version come first, the XXH3-64 of everything before it last.
struct SealedKind {
  std::string_view magic;  ///< eight characters
  std::uint32_t version = 1;
  std::string_view what;  ///< for messages: "measurement"
};

/// A writer that has written magic and version.
ByteWriter begin_sealed(const SealedKind& kind);
/// Adds the checksum and returns the bytes.
std::vector<std::byte> seal(ByteWriter writer);
/// A reader of what lies between version and checksum. Throws Error: kMalformed for other or damaged bytes,
/// kUnsupported for another version.
ByteReader open_sealed(std::span<const std::byte> bytes, const SealedKind& kind, const std::filesystem::path& file);

}  // namespace pare::base
