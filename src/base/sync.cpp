#include "base/sync.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>
#include <vector>

#include "base/staging.h"
#include "base/system_error.h"
#include "pare/error.h"

namespace pare::base {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kFew = 16;  // files and directories to sync one by one

/// Opens `path` and calls `sync` on it.
void sync_with(const fs::path& path, int (*sync)(int)) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const int result = descriptor < 0 ? -1 : sync(descriptor);
  const int code = errno;
  if (descriptor >= 0) ::close(descriptor);
  if (result != 0)
    throw Error(code_of_errno(code), final_name(path), std::string("cannot sync: ") + std::strerror(code));
}

}  // namespace

void sync_directory(const fs::path& directory) noexcept {
  const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  ::fsync(fd);
  ::close(fd);
}

void sync_tree(const fs::path& root) {
  std::vector<fs::path> files, directories;
  std::error_code failure;
  for (fs::recursive_directory_iterator it(root, failure), end; !failure && it != end; it.increment(failure))
    (it->is_directory(failure) ? directories : files).push_back(it->path());
  if (failure) throw Error(code_of(failure), final_name(root), "cannot be listed: " + failure.message());
  if (files.size() + directories.size() > kFew) return sync_with(root, ::syncfs);
  for (const fs::path& file : files) sync_with(file, ::fsync);
  for (auto directory = directories.rbegin(); directory != directories.rend(); ++directory) sync_directory(*directory);
  sync_directory(root);
}

void remove_empty_directories(fs::path directory, const fs::path& topmost) noexcept {
  if (topmost.empty()) return;
  while (::rmdir(directory.c_str()) == 0 && directory != topmost) directory = directory.parent_path();
}

}  // namespace pare::base
