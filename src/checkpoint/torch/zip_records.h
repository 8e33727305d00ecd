// The records of a zip file's directory, found and bounds-checked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace pare::checkpoint {

/// Where the central directory lies, from the end records (zip64 ones included).
struct ZipDirectory {
  std::uint64_t entries = 0;
  std::uint64_t offset = 0;  ///< bytes from the start of the file
  std::uint64_t size = 0;    ///< bytes
};

/// One central header, zip64 extra field applied.
struct ZipCentralHeader {
  std::string_view name;
  std::uint16_t flags = 0;
  std::uint16_t method = 0;
  std::uint32_t crc32 = 0;
  std::uint64_t compressed_size = 0, size = 0;  ///< bytes
  std::uint64_t header_offset = 0;              ///< of the local header
  std::uint32_t disk = 0;
  std::uint64_t record_size = 0;  ///< bytes of the central header itself
};

/// Throws Error(path) if there is no end record, it is cut off, or the directory lies outside.
/// After it returns, offset + size is within `bytes` and 46 * entries <= size.
ZipDirectory find_zip_directory(std::span<const std::byte> bytes, const std::filesystem::path& path);

/// Reads the central header at the start of `record` (the rest of the directory). Throws Error(path).
ZipCentralHeader read_central_header(std::span<const std::byte> record, const std::filesystem::path& path);

/// The stored bytes of an entry, which follow its local header. Throws Error(path) if the header is missing or
/// disagrees with the directory, or the data reach past `end`, the start of the directory.
std::span<const std::byte> locate_zip_data(std::span<const std::byte> bytes, const ZipCentralHeader& entry,
                                           std::uint64_t end, const std::filesystem::path& path);

/// "entry 'NAME'", shortened to a readable length.
std::string zip_entry_title(std::string_view name);

}  // namespace pare::checkpoint
