// Output that appears whole or not at all: written beside its place, fsynced, renamed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>

namespace pare::base {

/// A file being written at a temporary name; removed again unless commit() is reached.
class OutputFile {
 public:
  /// `path` is the final name. Throws Error if the directory cannot be written.
  explicit OutputFile(std::filesystem::path path);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  /// Sets the size beforehand, claiming the room. Throws Error when the disk is full.
  void reserve(std::uint64_t size);
  /// Writes at an offset; calls from several threads may overlap in time. Throws Error.
  void write_at(std::uint64_t offset, std::span<const std::byte> bytes);
  void write_at(std::uint64_t offset, std::string_view text) { write_at(offset, std::as_bytes(std::span(text))); }
  /// Asks the kernel to begin writing back what is there, without waiting.
  void start_writeback(std::uint64_t offset, std::uint64_t size) noexcept;
  /// fsync, rename over the final name, fsync of the directory. Throws Error.
  void commit();

 private:
  std::filesystem::path path_, temporary_;
  int descriptor_ = -1;
};

/// Writes a small file in one go, as OutputFile does.
void write_file(const std::filesystem::path& path, std::string_view text);

/// A directory being filled under a temporary name beside its place.
class OutputDirectory {
 public:
  /// Throws Error if `path` exists and is not an empty directory, unless `force` is given and it holds
  /// `marker` (a file that pare puts in what it writes): then commit() replaces it.
  OutputDirectory(std::filesystem::path path, bool force, std::string_view marker);
  ~OutputDirectory();  ///< removes what was not committed
  OutputDirectory(const OutputDirectory&) = delete;
  OutputDirectory& operator=(const OutputDirectory&) = delete;

  const std::filesystem::path& staging() const noexcept { return staging_; }  ///< fill this
  void commit();                                                              ///< Throws Error

 private:
  std::filesystem::path path_, staging_;
  bool committed_ = false;
};

}  // namespace pare::base
