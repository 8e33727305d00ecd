// A directory for files that are only there to be loaded.
#pragma once

#include <filesystem>

namespace pare::bench {

/// Made in `parent` (empty: TMPDIR, else /var/tmp, which is rarely kept in memory as /tmp may be); goes with the
/// object.
class ScratchDirectory {
 public:
  /// Throws Error.
  explicit ScratchDirectory(std::filesystem::path parent);
  ~ScratchDirectory();
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace pare::bench
