// A directory for files that are only there to be loaded.
#pragma once

#include <filesystem>

#include "base/staging.h"

namespace pare::bench {

/// Made in `parent` (empty: TMPDIR, else /var/tmp, which is rarely kept in memory as /tmp may be) and removed with the
/// object. What a killed run left there is removed first.
class ScratchDirectory {
 public:
  /// Throws Error.
  explicit ScratchDirectory(std::filesystem::path parent);
  ~ScratchDirectory();
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  const std::filesystem::path& path() const noexcept { return staged_.path; }

 private:
  base::Staged staged_;
};

}  // namespace pare::bench
