// Temporary files and directories beside an output. They are locked while their run lives, so that a later run can tell
// and remove those of dead runs.
#pragma once

#include <filesystem>
#include <optional>
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

/// Locks the directory that an earlier run of this user to `output` has left, if no process has locked it and it holds
/// `name`. Returns nullopt if there is none.
std::optional<Staged> take_over_staged(const std::filesystem::path& output, const std::filesystem::path& name);

/// Removes the temporary files and directories of earlier runs to `output` that no process has locked. Returns the
/// removed paths. A file system that refuses is not an error.
std::vector<std::filesystem::path> remove_dead_staged(const std::filesystem::path& output);

/// `path` with temporary names replaced by the final ones, for messages.
std::filesystem::path final_name(const std::filesystem::path& path);

/// The directory that holds `path`; "." for a bare name.
std::filesystem::path parent_of(const std::filesystem::path& path);

}  // namespace pare::base
