// Makes written files and renames durable.
#pragma once

#include <filesystem>

namespace pare::base {

/// Makes a rename durable. Some file systems cannot sync a directory; that is not a failure.
void sync_directory(const std::filesystem::path& directory) noexcept;

/// Makes every file and directory below `root` durable. A few are synced one by one, many with one syncfs() of the
/// whole file system (10,000 files of 20 KB: 0.12 s; fsync() one after another 1.8 s, from 32 threads 0.33 s). syncfs()
/// reports failed writes since Linux 5.8. Throws Error, naming the final path.
void sync_tree(const std::filesystem::path& root);

/// Removes `directory` and its parents up to `topmost`, as long as they are empty. Does nothing if `topmost` is an
/// empty path.
void remove_empty_directories(std::filesystem::path directory, const std::filesystem::path& topmost) noexcept;

}  // namespace pare::base
