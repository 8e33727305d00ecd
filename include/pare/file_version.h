// Identifies the state of a file that was read.
#pragma once

#include <cstdint>
#include <filesystem>

namespace pare {

/// Identity, size and modification time of a file when it was opened, to detect later changes.
struct FileVersion {
  std::filesystem::path path;
  std::uint64_t device = 0, inode = 0, size = 0;  ///< size in bytes
  std::int64_t modified = 0;                      ///< nanoseconds since 1970

  /// Throws Error (kChanged, or kNotFound if the file is gone) if the file at `path` was replaced or written
  /// to since it was opened.
  void require_unchanged() const;
};

}  // namespace pare
