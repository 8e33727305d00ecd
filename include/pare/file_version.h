// Which state of a file was read.
#pragma once

#include <cstdint>
#include <filesystem>

namespace pare {

/// A file as it was when it was opened, to tell later whether it still is.
struct FileVersion {
  std::filesystem::path path;
  std::uint64_t device = 0, inode = 0, size = 0;  ///< size in bytes
  std::int64_t modified = 0;                      ///< nanoseconds since 1970

  /// Throws Error if the file is gone, is another one, or was written to since.
  void require_unchanged() const;
};

}  // namespace pare
