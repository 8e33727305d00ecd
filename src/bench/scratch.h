// A temporary directory for files whose loading is timed.
#pragma once

#include <filesystem>

#include "base/staging.h"
#include "pare/error.h"

namespace pare::bench {

/// Created in `parent` (if empty: TMPDIR, else /var/tmp, because /tmp is often in memory) and removed with the object.
/// Directories that killed runs left there are removed first.
class ScratchDirectory {
 public:
  /// Throws Error.
  explicit ScratchDirectory(std::filesystem::path parent);
  ~ScratchDirectory();
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  const std::filesystem::path& path() const noexcept { return staged_.path; }
  /// `error`, but if its file lies in this directory, as one of the parent, whose name users know.
  Error described(const Error& error) const;

 private:
  base::Staged staged_;
};

}  // namespace pare::bench
