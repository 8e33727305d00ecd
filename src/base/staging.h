// Temporary names beside an output: locked as long as their run lives, so that the next run can remove dead ones.
#pragma once

#include <filesystem>
#include <vector>

namespace pare::base {

/// A file or directory at a temporary name, locked with flock() until `descriptor` is closed.
struct Staged {
  std::filesystem::path path;
  int descriptor = -1;
};

/// Creates ".NAME.pare-xxxxxxxx" beside `output`. Throws Error naming `output`.
Staged create_staged_file(const std::filesystem::path& output);
Staged create_staged_directory(const std::filesystem::path& output);

/// Removes the temporary files and directories of earlier runs to `output` that no process holds locked any more.
/// Returns what was removed. Never throws for a file system that refuses.
std::vector<std::filesystem::path> remove_dead_staged(const std::filesystem::path& output);

/// `path` with temporary names replaced by the final ones, for messages.
std::filesystem::path final_name(const std::filesystem::path& path);

/// The directory that holds `path`; "." for a bare name.
std::filesystem::path parent_of(const std::filesystem::path& path);

}  // namespace pare::base
