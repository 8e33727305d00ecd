// What can be told of an output before the work begins. Functions that write make the same checks themselves.
#pragma once

#include <filesystem>
#include <vector>

namespace pare {

/// By this file in a directory pare recognizes its own output, which `force` may replace.
inline constexpr const char* kOutputMarker = "pare.json";

/// Throws Error if `path` cannot become a directory that pare writes: it is a file, a symbolic link, a mount point,
/// "." or ".."; or it is not empty, unless `force` is given and it holds kOutputMarker.
void check_output_directory(const std::filesystem::path& path, bool force);
/// Throws Error if `path` exists, unless `force` is given and it is a regular file.
void check_output_file(const std::filesystem::path& path, bool force);
/// Removes the temporary files and directories that killed runs to the same output left beside it; those of runs that
/// still live are locked and stay. Returns what was removed.
std::vector<std::filesystem::path> remove_leftovers(const std::filesystem::path& output);

}  // namespace pare
