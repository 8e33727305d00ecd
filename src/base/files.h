// Tests whether files exist, and reports when the system cannot tell.
#pragma once

#include <filesystem>

namespace pare::base {

/// Whether `path` exists, links followed. Unlike std::filesystem::exists(), throws Error where the system cannot tell:
/// a link to itself, a name too long, a directory that may not be searched, a failing disk.
bool is_there(const std::filesystem::path& path);

/// The same, and whether it is a regular file, or a directory.
bool is_file(const std::filesystem::path& path);
bool is_directory(const std::filesystem::path& path);

/// The absolute path of an existing file or directory, with links resolved. Throws Error.
std::filesystem::path resolved(const std::filesystem::path& path);
/// "a" for "a/".
std::filesystem::path without_trailing_separator(const std::filesystem::path& path);

}  // namespace pare::base
