// Files mapped read-only, and scratch files for tensors that have to be made.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>

#include "pare/file_version.h"

namespace pare::base {

/// A file mapped read-only. Its pages belong to the page cache, so it takes no anonymous memory.
class FileMap {
 public:
  /// Throws Error if the file cannot be opened or mapped, or is not a regular file.
  static std::shared_ptr<const FileMap> open(const std::filesystem::path& path);
  ~FileMap();
  FileMap(const FileMap&) = delete;
  FileMap& operator=(const FileMap&) = delete;

  std::span<const std::byte> bytes() const noexcept { return {data_, size_}; }
  /// The file's version when it was opened.
  const FileVersion& version() const noexcept { return version_; }

 private:
  FileMap(const std::byte* data, std::size_t size, FileVersion version);
  const std::byte* data_;
  std::size_t size_;
  FileVersion version_;
};

/// Lets go of the pages of the FileMap in which `data` lies; does nothing if it lies in none. They stay in the page
/// cache and come back when they are read. For those who are done with one of thousands of files.
void release_pages(const std::byte* data) noexcept;

/// Asks the system to read a part of a mapped file, without waiting, unless its middle is in memory already. (The
/// kernel tells this only of files that the user owns or may write; others are taken to be in memory.)
void read_ahead(const std::byte* data, std::size_t size) noexcept;

/// Writable memory backed by an unlinked file in TMPDIR (default /tmp), for tensors that must be
/// made (drawn weights, strided views): it can be written back to disk, so it costs no anonymous
/// memory, and it is gone with the process.
class ScratchFile {
 public:
  /// Throws Error if the disk is full.
  explicit ScratchFile(std::uint64_t size);
  ~ScratchFile();
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;

  std::span<std::byte> bytes() noexcept { return {data_, size_}; }

 private:
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace pare::base
