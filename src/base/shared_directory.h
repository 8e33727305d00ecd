// An output directory that the processes of a group fill together.
#pragma once

#include <filesystem>
#include <optional>

#include "base/output.h"
#include "pare/context.h"

namespace pare::base {

/// As OutputDirectory, which rank 0 holds; every rank must make the same calls in the same order. The directory must be
/// on a file system that all ranks see.
class SharedDirectory {
 public:
  SharedDirectory(const std::filesystem::path& path, bool force, const Context& context, bool keep = false);

  const std::filesystem::path& staging() const noexcept { return staging_; }  ///< the directory to fill
  /// Whether what is finished is kept if the run fails, for FinishedFiles.
  bool keeps() const noexcept { return keep_; }
  std::filesystem::path make_directory(const std::filesystem::path& relative) const;
  /// Throws Error on rank 0 if a file that another rank has written, `file` inside staging(), is not there.
  void require_visible(const std::filesystem::path& file) const;
  /// Called when every rank has written its files.
  void commit();

 private:
  Context context_;
  bool keep_;
  std::optional<OutputDirectory> own_;
  std::filesystem::path staging_;
};

}  // namespace pare::base
