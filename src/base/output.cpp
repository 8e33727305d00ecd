#include "base/output.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string>
#include <system_error>

#include "base/descriptor.h"
#include "base/files.h"
#include "base/sync.h"
#include "base/system_error.h"
#include "pare/error.h"
#include "pare/publish.h"

namespace pare::base {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const fs::path& path, const char* what) {
  const int code = errno;
  throw Error(code_of_errno(code), final_name(path), std::string(what) + ": " + std::strerror(code));
}

[[noreturn]] void fail_taken(const fs::path& path) {
  throw Error(ErrorCode::kExists, final_name(path),
              "appeared while pare was running; it was left as it is, and nothing was written");
}

/// renameat2(), or -1 with EINVAL where the C library, the kernel or the file system lacks it.
int rename_with(const fs::path& from, const fs::path& to, unsigned flags) noexcept {
  const int result = ::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), flags);
  if (result != 0 && errno == ENOSYS) errno = EINVAL;
  return result;
}

/// Gives a file a name that must be free. Where RENAME_NOREPLACE is missing, link() does the same.
int rename_to_free_name(const fs::path& from, const fs::path& to) noexcept {
  if (rename_with(from, to, RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL) return -1;
  if (::link(from.c_str(), to.c_str()) != 0) return -1;
  ::unlink(from.c_str());
  return 0;
}

bool holds_marker(int directory) noexcept {
  struct stat status {};
  return ::fstatat(directory, kOutputMarker, &status, AT_SYMLINK_NOFOLLOW) == 0;
}

/// A directory that is to be replaced, locked so that no other run takes it for a leftover.
class Replaced {
 public:
  explicit Replaced(const fs::path& path)
      : descriptor_(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) {
    if (descriptor_.is_open()) ::flock(descriptor_.get(), LOCK_EX | LOCK_NB);
  }

  bool written_by_pare() const noexcept { return descriptor_.is_open() && holds_marker(descriptor_.get()); }
  bool is_at(const fs::path& path) const noexcept {
    struct stat here {
    }, there{};
    return ::fstat(descriptor_.get(), &here) == 0 && ::lstat(path.c_str(), &there) == 0 &&
           here.st_dev == there.st_dev && here.st_ino == there.st_ino;
  }

 private:
  Descriptor descriptor_;
};

}  // namespace

OutputFile::OutputFile(fs::path path, Publish publish) : path_(std::move(path)), publish_(publish) {
  if (publish_ != Publish::kStaged) {
    staged_ = create_staged_file(path_);
    return;
  }
  staged_ = {path_, ::open(path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666)};
  if (staged_.descriptor < 0) fail(path_, "cannot create");
}

OutputFile::~OutputFile() {
  if (!staged_.path.empty()) ::unlink(staged_.path.c_str());
  if (staged_.descriptor >= 0) ::close(staged_.descriptor);
}

void OutputFile::reserve(std::uint64_t size) {
  if (size == 0) return;
  if (const int failure = ::posix_fallocate(staged_.descriptor, 0, static_cast<off_t>(size)); failure != 0) {
    errno = failure;
    fail(path_, "cannot make room");
  }
}

void OutputFile::write_at(std::uint64_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(staged_.descriptor, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0) {
      if (errno == EINTR) continue;
      fail(path_, "cannot write");
    }
    bytes = bytes.subspan(static_cast<std::size_t>(written));
    offset += static_cast<std::uint64_t>(written);
  }
}

void OutputFile::start_writeback(std::uint64_t offset, std::uint64_t size) noexcept {
  ::sync_file_range(staged_.descriptor, static_cast<off_t>(offset), static_cast<off_t>(size), SYNC_FILE_RANGE_WRITE);
}

void OutputFile::publish() {
  if (::fsync(staged_.descriptor) != 0) fail(path_, "cannot sync");
  const int renamed = publish_ == Publish::kNew ? rename_to_free_name(staged_.path, path_)
                                                : ::rename(staged_.path.c_str(), path_.c_str());
  if (renamed != 0) {
    if (publish_ == Publish::kNew && errno == EEXIST) fail_taken(path_);
    fail(path_, "cannot rename into place");
  }
  sync_directory(parent_of(path_));
}

void OutputFile::commit() {
  if (publish_ != Publish::kStaged) publish();
  staged_.path.clear();
  const int closed = ::close(staged_.descriptor);
  staged_.descriptor = -1;
  if (closed != 0 && publish_ == Publish::kStaged) fail(path_, "cannot close");
}

void write_file(const fs::path& path, std::string_view text, Publish publish) {
  OutputFile file(path, publish);
  file.write_at(0, text);
  file.commit();
}

OutputDirectory::OutputDirectory(fs::path path, bool force, bool keep)
    : path_(without_trailing_separator(path)), force_(force), keep_(keep) {
  check_output_directory(path_, force);
  make_parents();
  const std::optional<Staged> left = keep_ ? take_over_staged(path_, kFinishedFolder) : std::nullopt;
  remove_dead_staged(path_);  // others, as the one taken over is locked
  try {
    staged_ = left ? *left : create_staged_directory(path_);
  } catch (...) {
    remove_empty_directories(parent_of(path_), made_parent_);
    throw;
  }
}

OutputDirectory::~OutputDirectory() {
  std::error_code ignored;
  if (!committed_ && !(keep_ && fs::exists(staged_.path / kFinishedFolder, ignored))) {
    fs::remove_all(staged_.path, ignored);
    remove_empty_directories(parent_of(path_), made_parent_);
  }
  ::close(staged_.descriptor);
}

void OutputDirectory::make_parents() {
  std::error_code failure;
  for (fs::path missing = parent_of(path_); !fs::exists(missing, failure); missing = parent_of(missing)) {
    made_parent_ = missing;
    if (missing == parent_of(missing)) break;
  }
  fs::create_directories(parent_of(path_), failure);
  if (failure) throw Error(code_of(failure), final_name(parent_of(path_)), "cannot create: " + failure.message());
}

fs::path OutputDirectory::make_directory(const fs::path& relative) const {
  std::error_code failure;
  fs::create_directories(staged_.path / relative, failure);
  if (failure)
    throw Error(code_of(failure), final_name(staged_.path / relative), "cannot create: " + failure.message());
  return staged_.path / relative;
}

void OutputDirectory::exchange() {
  const Replaced old(path_);
  if (!old.written_by_pare()) fail_taken(path_);
  if (rename_with(staged_.path, path_, RENAME_EXCHANGE) != 0) {
    if (errno != EINVAL) fail(path_, "cannot rename into place");
    // This file system cannot exchange names. A kill between these two renames leaves the old output under the hidden
    // name.
    const fs::path aside = staged_.path.string() + ".old";
    if (::rename(path_.c_str(), aside.c_str()) != 0) fail(path_, "cannot move the old output away");
    if (::rename(staged_.path.c_str(), path_.c_str()) != 0) {
      const int code = errno;
      if (::rename(aside.c_str(), path_.c_str()) == 0) errno = code;
      fail(path_, "cannot rename into place");
    }
    staged_.path = aside;
  }
  if (!old.is_at(staged_.path)) {  // something else appeared there just before the exchange: undo it
    rename_with(staged_.path, path_, RENAME_EXCHANGE);
    fail_taken(path_);
  }
  committed_ = true;
  sync_directory(parent_of(path_));
  std::error_code ignored;
  fs::remove_all(staged_.path, ignored);
}

void OutputDirectory::commit() {
  sync_tree(staged_.path);
  if (rename_with(staged_.path, path_, RENAME_NOREPLACE) != 0) {
    // rename() itself replaces nothing but an empty directory.
    const bool taken = errno == EEXIST || errno == EINVAL;
    if (!taken) fail(path_, "cannot rename into place");
    if (::rename(staged_.path.c_str(), path_.c_str()) != 0) {
      if (errno != ENOTEMPTY && errno != EEXIST && errno != ENOTDIR) fail(path_, "cannot rename into place");
      if (!force_ || errno == ENOTDIR) fail_taken(path_);
      return exchange();
    }
  }
  committed_ = true;
  sync_directory(parent_of(path_));
}

}  // namespace pare::base
