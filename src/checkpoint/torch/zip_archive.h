// A zip archive over mapped memory, limited to what torch.save writes: stored (uncompressed) entries.
//
//   [local header, name, padding, data, (data descriptor)] ...   one group per entry
//   [central header, name, extra] ...                            the authoritative directory
//   [zip64 end record, zip64 locator]                            always there in torch's archives
//   [end record, comment]                                        the last bytes of the file
//
// Source: PKWARE APPNOTE.TXT 6.3.10, sections 4.3 to 4.5.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "pare/context.h"

namespace pare::checkpoint {

struct ZipEntry {
  std::string_view name;            ///< points into the archive
  std::span<const std::byte> data;  ///< stored bytes, inside the archive
  std::uint32_t crc32 = 0;          ///< according to the central directory
  std::uint64_t header_offset = 0;  ///< offset of the local header, bytes from the start of the file
};

/// Invariants after construction: names are unique, relative and free of "..", every entry's data
/// lies inside the file, and no two entries share a byte. Since only stored entries are accepted,
/// no entry is larger than the file: there are no zip bombs.
class ZipArchive {
 public:
  /// Reads the directory; `bytes` must outlive the archive. Throws Error naming `path` and, where it
  /// applies, the entry: for compressed, encrypted, duplicate, overlapping or truncated entries,
  /// archives of several disks, and headers that disagree.
  ZipArchive(std::span<const std::byte> bytes, std::filesystem::path path);

  std::span<const ZipEntry> entries() const noexcept { return entries_; }  ///< in directory order
  const ZipEntry* find(std::string_view name) const noexcept;              ///< nullptr if there is none

  /// Compares the entry's CRC-32 with its bytes. Throws Error naming the entry.
  /// torch.serialization.set_crc32_options(False) makes torch.save write 0 for every entry, and torch.load ignores the
  /// field. So if *all* entries have 0, the archive has no checksums and nothing is compared. If any entry has one, all
  /// are compared.
  void verify(const ZipEntry& entry) const;
  /// verify() for all entries, on up to context.threads() threads. Throws Error, Interrupted.
  void verify_all(const Context& context = {}) const;

 private:
  std::filesystem::path path_;
  std::vector<ZipEntry> entries_;
  std::unordered_map<std::string_view, std::size_t> by_name_;
  bool has_checksums_ = false;
};

}  // namespace pare::checkpoint
