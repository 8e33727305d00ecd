#include "pare/publish.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <system_error>

#include "base/files.h"
#include "base/staging.h"
#include "base/system_error.h"
#include "pare/error.h"

namespace pare {
namespace {

namespace fs = std::filesystem;

/// nullopt if there is nothing at `path`.
std::optional<struct stat> status_of(const fs::path& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) == 0) return status;
  if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
  throw Error(base::code_of_errno(errno), path, std::string("cannot be written: ") + std::strerror(errno));
}

bool is_mount_point(const fs::path& path) noexcept {
#ifdef STATX_ATTR_MOUNT_ROOT
  struct statx status {};
  return ::statx(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW, 0, &status) == 0 &&
         (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
#else
  struct stat directory {
  }, parent{};
  return ::lstat(path.c_str(), &directory) == 0 && ::lstat((path / "..").c_str(), &parent) == 0 &&
         directory.st_dev != parent.st_dev;
#endif
}

}  // namespace

void check_output_directory(const fs::path& given, bool force) {
  const fs::path path = base::without_trailing_separator(given);
  const std::string name = path.filename().string();
  if (name.empty() || name == "." || name == "..")
    throw Error(ErrorCode::kArgument, given, "cannot be replaced (expected the name of a directory to create)");
  const std::optional<struct stat> status = status_of(path);
  if (!status) return;
  if (S_ISLNK(status->st_mode))
    throw Error(ErrorCode::kExists, path, "is a symbolic link (expected a directory, or nothing)");
  if (!S_ISDIR(status->st_mode)) throw Error(ErrorCode::kExists, path, "exists and is not a directory");
  if (is_mount_point(path))
    throw Error(ErrorCode::kExists, path, "is a mount point, which cannot be replaced (name a directory below it)");
  std::error_code failure;
  const bool empty = fs::is_empty(path, failure);
  if (failure) throw Error(base::code_of(failure), path, "cannot be listed: " + failure.message());
  if (empty) return;
  if (!force) throw Error(ErrorCode::kExists, path, "already exists (use --force to replace it)");
  if (!fs::exists(path / kOutputMarker, failure))
    throw Error(
        ErrorCode::kExists, path,
        std::string("does not contain ") + kOutputMarker + ", so pare did not write it and will not replace it");
}

void check_output_file(const fs::path& path, bool force) {
  const std::optional<struct stat> status = status_of(path);
  if (!status) return;
  if (!force) throw Error(ErrorCode::kExists, path, "already exists (use --force to replace it)");
  if (!S_ISREG(status->st_mode))
    throw Error(ErrorCode::kExists, path, "is not a regular file, so --force will not replace it");
}

std::vector<fs::path> remove_leftovers(const fs::path& output) {
  return base::remove_dead_staged(base::without_trailing_separator(output));
}

}  // namespace pare
