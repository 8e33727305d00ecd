// Output that appears complete or not at all: it is written under a temporary name beside its final one, synced, and
// renamed. What appeared at the final name meanwhile is replaced only if that was requested.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>

#include "base/staging.h"

namespace pare::base {

/// How a file gets its name.
enum class Publish {
  kNew,      ///< at a temporary name until commit(), which fails if the final name is taken by then
  kReplace,  ///< the same, but commit() replaces a file of the final name
  kStaged,   ///< at its name at once, which must be free: inside an OutputDirectory, whose commit() syncs it
};

/// A file being written; removed again unless commit() is reached.
class OutputFile {
 public:
  /// `path` is the final name. Throws Error if the directory cannot be written or the name is taken.
  explicit OutputFile(std::filesystem::path path, Publish publish = Publish::kNew);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  /// Sets the file's size in advance and reserves the disk space. Throws Error when the disk is full.
  void reserve(std::uint64_t size);
  /// Writes at an offset; calls from several threads may overlap in time. Throws Error.
  void write_at(std::uint64_t offset, std::span<const std::byte> bytes);
  void write_at(std::uint64_t offset, std::string_view text) { write_at(offset, std::as_bytes(std::span(text))); }
  /// Asks the kernel to begin writing the file to disk, without waiting.
  void start_writeback(std::uint64_t offset, std::uint64_t size) noexcept;
  /// Syncs the file and gives it its final name (kStaged: only closes it). Throws Error, naming the final path.
  void commit();

 private:
  void publish();

  std::filesystem::path path_;
  Staged staged_;  ///< path empty once committed
  Publish publish_;
};

/// Writes a small file in one call, with the guarantees of OutputFile.
void write_file(const std::filesystem::path& path, std::string_view text, Publish publish = Publish::kNew);

/// Where an OutputDirectory that keeps what is finished has the records of it (base/resume/finished_files.h).
inline constexpr const char* kFinishedFolder = ".finished";

/// A directory that is filled under a temporary name beside its final one.
class OutputDirectory {
 public:
  /// Removes what killed runs to the same `path` left. With `keep`, takes over a directory with records instead. Throws
  /// Error where check_output_directory() does.
  OutputDirectory(std::filesystem::path path, bool force, bool keep = false);
  /// Removes the directory unless it was committed, or is kept because it has records.
  ~OutputDirectory();
  OutputDirectory(const OutputDirectory&) = delete;
  OutputDirectory& operator=(const OutputDirectory&) = delete;

  const std::filesystem::path& staging() const noexcept { return staged_.path; }  ///< the directory to fill
  /// A directory inside staging(). Throws Error.
  std::filesystem::path make_directory(const std::filesystem::path& relative) const;
  /// Syncs all files and gives the directory its final name. With force, a directory that pare wrote is exchanged for
  /// the new one in one step and then removed. Throws Error if anything else appeared at the name.
  void commit();

 private:
  void exchange();
  void make_parents();

  std::filesystem::path path_;
  std::filesystem::path made_parent_;  ///< topmost directory made for it; empty if all were there
  Staged staged_;
  bool force_, keep_;
  bool committed_ = false;
};

}  // namespace pare::base
