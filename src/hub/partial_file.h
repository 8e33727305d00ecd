// A file that is being downloaded, as it is in the cache.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/descriptor.h"
#include "hub/digest.h"
#include "hub/listing.h"
#include "pare/context.h"

namespace pare::hub {

/// Counts the bytes of all files of a download, for the progress. Safe to use from any thread.
class ByteCount {
 public:
  /// `before`: how many of the `total` bytes earlier runs left, which the progress leaves out, so that the time left
  /// can be estimated from it. `step` names the download in the progress that `context` receives.
  ByteCount(std::uint64_t total, std::uint64_t before, std::string step, const Context& context)
      : total_(total), before_(before), step_(std::move(step)), context_(context) {}
  /// `there`: bytes of the file that are in the cache now instead of `before`; `received`: of them by this process.
  void change(std::uint64_t before, std::uint64_t there, std::uint64_t received);

 private:
  const std::uint64_t total_, before_;
  const std::string step_;
  const Context& context_;
  std::atomic<std::uint64_t> there_{0}, received_{0}, reported_{0};
};

/// The file under its temporary name, ETAG.incomplete. It always holds the beginning of the file without gaps, so that
/// any later download can continue it. For one thread at a time.
class PartialFile {
 public:
  /// Opens what there is of the file, or makes it. `file` and `count` must outlive it. Throws Error.
  PartialFile(const RemoteFile& file, std::filesystem::path path, ByteCount& count);
  /// Leaves what there is to be continued.
  ~PartialFile();
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;

  std::uint64_t size() const noexcept { return size_; }
  std::uint64_t expected_size() const noexcept { return file_.size; }
  bool is_whole() const noexcept { return size_ == file_.size; }
  bool was_resumed() const noexcept { return resumed_; }  ///< holds bytes of an earlier process

  /// Takes the next bytes; they are in the file after flush(). Throws Error for more bytes than were announced.
  void write(std::span<const std::byte> bytes);
  void flush();
  /// Empties the file.
  void restart();

  /// Whether the hash of the whole file is the one that the server gave.
  bool has_expected_hash(const Context& context);
  const std::string& hash() const noexcept { return found_; }

  /// Syncs the file first, which huggingface_hub does not: nobody computes the hash of a finished blob again, so one
  /// that a power cut left full of zeros would be taken for whole.
  void publish(const std::filesystem::path& blob);
  void remove() noexcept;

 private:
  void start_writing() noexcept;
  void follow();

  const RemoteFile& file_;
  const std::filesystem::path path_;
  ByteCount& count_;
  std::unique_ptr<base::Descriptor> descriptor_;
  std::vector<std::byte> buffer_;
  std::uint64_t size_ = 0, written_ = 0;  // written_: what the disk has been told to write
  bool resumed_ = false, published_ = false;
  std::string found_;
  std::unique_ptr<FollowingDigest> digest_;  // last, because its thread reads through the descriptor
};

}  // namespace pare::hub
