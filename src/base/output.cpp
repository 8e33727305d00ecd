#include "base/output.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <random>
#include <string>
#include <system_error>

#include "pare/error.h"

namespace pare::base {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const fs::path& path, const char* what) {
  throw Error(path, std::string(what) + ": " + std::strerror(errno));
}

fs::path parent_of(const fs::path& path) { return path.has_parent_path() ? path.parent_path() : fs::path("."); }

/// Makes a rename durable. Some file systems cannot sync a directory, which is not an error.
void sync_directory(const fs::path& directory) noexcept {
  const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  ::fsync(fd);
  ::close(fd);
}

/// A name beside `path` that nothing has yet: `create` returns -1 and sets errno if it cannot take
/// one. Not mkostemp(), whose files are private: the kernel applies the umask to what is created
/// with open() and mkdir(), and to ask for the umask is to change it for every thread.
template <class Create>
fs::path create_beside(const fs::path& path, const Create& create) {
  constexpr int kAttempts = 100;
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz0123456789";
  std::random_device random;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    std::string name = "." + path.filename().string() + ".";
    for (int i = 0; i < 8; ++i) name += kLetters[random() % kLetters.size()];
    const fs::path candidate = parent_of(path) / name;
    if (create(candidate.c_str()) >= 0) return candidate;
    if (errno != EEXIST) break;
  }
  fail(path, "cannot create");
}

fs::path without_trailing_separator(const fs::path& path) { return path.has_filename() ? path : path.parent_path(); }

}  // namespace

OutputFile::OutputFile(fs::path path) : path_(std::move(path)) {
  temporary_ = create_beside(path_, [this](const char* name) {
    descriptor_ = ::open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    return descriptor_;
  });
}

OutputFile::~OutputFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void OutputFile::reserve(std::uint64_t size) {
  if (size == 0) return;
  if (const int failure = ::posix_fallocate(descriptor_, 0, static_cast<off_t>(size)); failure != 0) {
    errno = failure;
    fail(path_, "cannot make room");
  }
}

void OutputFile::write_at(std::uint64_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0) {
      if (errno == EINTR) continue;
      fail(path_, "cannot write");
    }
    bytes = bytes.subspan(static_cast<std::size_t>(written));
    offset += static_cast<std::uint64_t>(written);
  }
}

void OutputFile::start_writeback(std::uint64_t offset, std::uint64_t size) noexcept {
  ::sync_file_range(descriptor_, static_cast<off_t>(offset), static_cast<off_t>(size), SYNC_FILE_RANGE_WRITE);
}

void OutputFile::commit() {
  if (::fsync(descriptor_) != 0) fail(path_, "cannot sync");
  const int closed = ::close(descriptor_);
  descriptor_ = -1;
  if (closed != 0) fail(path_, "cannot close");
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail(path_, "cannot rename into place");
  temporary_.clear();
  sync_directory(parent_of(path_));
}

void write_file(const fs::path& path, std::string_view text) {
  OutputFile file(path);
  file.write_at(0, text);
  file.commit();
}

OutputDirectory::OutputDirectory(fs::path path, bool force, std::string_view marker)
    : path_(without_trailing_separator(path)) {
  std::error_code ignored;
  if (fs::exists(fs::symlink_status(path_, ignored))) {
    const bool is_directory = fs::is_directory(path_, ignored);
    const bool empty = is_directory && fs::is_empty(path_, ignored);
    if (!is_directory) throw Error(path_, "exists and is not a directory");
    if (!empty && !force) throw Error(path_, "already exists (use --force to replace it)");
    if (!empty && !fs::exists(path_ / marker, ignored))
      throw Error(path_, "contains no " + std::string(marker) + ", so pare did not write it and will not replace it");
  }
  std::error_code failure;
  fs::create_directories(parent_of(path_), failure);
  if (failure) throw Error(parent_of(path_), "cannot create: " + failure.message());
  staging_ = create_beside(path_, [](const char* name) { return ::mkdir(name, 0777); });
}

OutputDirectory::~OutputDirectory() {
  if (committed_) return;
  std::error_code ignored;
  fs::remove_all(staging_, ignored);
}

void OutputDirectory::commit() {
  sync_directory(staging_);
  fs::path old;
  std::error_code failure;
  if (fs::exists(path_)) {
    old = staging_.string() + ".old";
    fs::rename(path_, old, failure);
    if (failure) throw Error(path_, "cannot move the old output away: " + failure.message());
  }
  fs::rename(staging_, path_, failure);
  if (failure) {
    std::error_code ignored;
    if (!old.empty()) fs::rename(old, path_, ignored);
    throw Error(path_, "cannot rename into place: " + failure.message());
  }
  committed_ = true;
  sync_directory(parent_of(path_));
  if (!old.empty()) fs::remove_all(old, failure);
}

}  // namespace pare::base
