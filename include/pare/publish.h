// Checks of an output path, for callers that want to fail before the work begins. Functions that write make the same
// checks themselves.
#pragma once

#include <filesystem>
#include <vector>

namespace pare {

/// The file by which pare recognizes a directory that it wrote, which `force` may replace.
inline constexpr const char* kOutputMarker = "pare.json";

/// Throws Error if `path` cannot become a directory that pare writes: it is a file, a symbolic link, a mount point,
/// "." or ".."; or it is not empty, unless `force` is given and it holds kOutputMarker.
void check_output_directory(const std::filesystem::path& path, bool force);
/// Throws Error if `path` exists, unless `force` is given and it is a regular file.
void check_output_file(const std::filesystem::path& path, bool force);
/// Removes temporary files and directories beside `output` that earlier, killed runs with the same output left there.
/// Those of running processes are locked and are not removed. Returns the removed paths.
std::vector<std::filesystem::path> remove_leftovers(const std::filesystem::path& output);

}  // namespace pare
