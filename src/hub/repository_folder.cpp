#include "hub/repository_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <system_error>

#include "base/system_error.h"
#include "hub/hub_name.h"
#include "pare/error.h"

namespace pare::hub {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFolderLock = "pare-folder";  // guards what is made beside a folder and renamed into it

[[noreturn]] void fail_at(const fs::path& path, const char* what, int number) {
  throw Error(base::code_of_errno(number), path, std::string(what) + ": " + std::strerror(number));
}

void make_directories(const fs::path& path) {
  std::error_code failure;
  fs::create_directories(path, failure);
  if (failure) throw Error(base::code_of(failure), path, "cannot be made: " + failure.message());
}

/// Whether `path` is the file that `descriptor` has open, and no other took its place.
bool is_same_file(const fs::path& path, int descriptor) noexcept {
  struct stat named {
  }, opened{};
  return ::stat(path.c_str(), &named) == 0 && ::fstat(descriptor, &opened) == 0 && named.st_dev == opened.st_dev &&
         named.st_ino == opened.st_ino;
}

int open_locked(const fs::path& path, const std::function<void()>& pause) {
  constexpr mode_t kMode = 0664;  // as huggingface_hub does, so that a group can share a cache
  for (;; pause()) {
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, kMode);
    if (descriptor < 0) fail_at(path, "cannot be opened", errno);
    const bool locked = ::flock(descriptor, LOCK_EX | LOCK_NB) == 0;
    // Where the file system has no locks, two processes download the same file; the hash tells if they collide.
    const bool without_locks = !locked && errno != EWOULDBLOCK && errno != EINTR && errno != EACCES;
    if ((locked || without_locks) && is_same_file(path, descriptor)) return descriptor;
    ::close(descriptor);
  }
}

void rename_to(const fs::path& from, const fs::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) fail_at(to, "cannot be made", errno);
}

/// "../../blobs/ETAG", with one ".." more for each folder of `name`.
fs::path target_of(const std::string& name, const std::string& etag) {
  fs::path target = fs::path("..") / "..";
  for (const char c : name)
    if (c == '/') target /= "..";
  return target / "blobs" / etag;
}

}  // namespace

CacheLock::CacheLock(const fs::path& path, const std::function<void()>& pause)
    : descriptor_(open_locked(path, pause)) {}

RepositoryFolder::RepositoryFolder(const fs::path& cache, const std::string& repository, std::string commit)
    : folder_(cache / folder_of(repository)),
      locks_(cache / ".locks" / folder_of(repository)),
      commit_(std::move(commit)) {}

void RepositoryFolder::create(const std::function<void()>& pause) const {
  make_directories(locks_);
  std::error_code failure;
  if (!fs::exists(folder_, failure)) {
    const CacheLock guard(lock(kFolderLock), pause);
    const fs::path made = locks_ / "new";
    fs::remove_all(made, failure);  // of a run that was killed
    make_directories(made / "blobs");
    make_directories(made / "refs");
    make_directories(made / "snapshots" / commit_);
    // Another program may have made the folder meanwhile; then the subfolders are added below.
    if (::rename(made.c_str(), folder_.c_str()) != 0) fs::remove_all(made, failure);
  }
  make_directories(snapshot());
  make_directories(folder_ / "blobs");
}

bool RepositoryFolder::has_blob(const std::string& etag) const {
  std::error_code failure;
  return fs::is_regular_file(blob(etag), failure);
}

bool RepositoryFolder::has_file(const std::string& name) const {
  std::error_code failure;
  return fs::is_regular_file(snapshot() / name, failure);
}

void RepositoryFolder::link(const std::string& name, const std::string& etag) const {
  if (has_file(name)) return;
  const fs::path path = snapshot() / name, target = target_of(name, etag);
  make_directories(path.parent_path());
  if (::symlink(target.c_str(), path.c_str()) == 0) return;
  if (errno != EEXIST) fail_at(path, "cannot be made as a link", errno);
  if (has_file(name)) return;  // another process was faster
  // A link to a blob that was removed.
  const fs::path made = locks_ / (etag + ".link");
  std::error_code failure;
  fs::remove(made, failure);
  if (::symlink(target.c_str(), made.c_str()) != 0) fail_at(path, "cannot be made as a link", errno);
  rename_to(made, path);
}

void RepositoryFolder::set_reference(const std::string& revision, const std::function<void()>& pause) const {
  if (revision == commit_) return;
  const fs::path path = folder_ / "refs" / revision;
  std::ifstream old(path, std::ios::binary);
  if (std::string(std::istreambuf_iterator<char>(old), {}) == commit_) return;
  make_directories(path.parent_path());
  const CacheLock guard(lock(kFolderLock), pause);
  const fs::path made = locks_ / "new-reference";
  std::ofstream file(made, std::ios::binary | std::ios::trunc);
  file << commit_;
  file.close();
  if (!file) fail_at(path, "cannot be written", errno == 0 ? EIO : errno);
  rename_to(made, path);
}

}  // namespace pare::hub
