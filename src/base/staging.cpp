#include "base/staging.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <system_error>

#include "base/system_error.h"
#include "pare/error.h"

namespace pare::base {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kTag = ".pare-", kLetters = "abcdefghijklmnopqrstuvwxyz0123456789";
constexpr std::size_t kRandom = 8;     // letters after the tag
constexpr std::size_t kLongest = 230;  // bytes of NAME, so that the temporary name fits in NAME_MAX (255)

/// ".NAME.pare-", the beginning of all temporary names of `output`.
std::string prefix_of(const fs::path& output) {
  return '.' + output.filename().string().substr(0, kLongest) + std::string(kTag);
}

/// Whether `path` is still the file that `descriptor` has open.
bool is_same(const fs::path& path, int descriptor) noexcept {
  struct stat named {
  }, opened{};
  return ::lstat(path.c_str(), &named) == 0 && ::fstat(descriptor, &opened) == 0 && named.st_dev == opened.st_dev &&
         named.st_ino == opened.st_ino;
}

/// Whether the new name is still ours. Another run may have taken it for dead and removed it before it was locked. That
/// cannot happen on a file system without locks, because there no run takes a name for dead.
bool claim(const fs::path& path, int descriptor) noexcept {
  const bool locked = ::flock(descriptor, LOCK_EX | LOCK_NB) == 0;
  return (locked || errno != EWOULDBLOCK) && is_same(path, descriptor);
}

bool remove_if_dead(const fs::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (descriptor < 0) return false;
  struct stat status {};
  bool removed = false;
  if (::fstat(descriptor, &status) == 0 && (S_ISDIR(status.st_mode) || S_ISREG(status.st_mode)) &&
      ::flock(descriptor, LOCK_EX | LOCK_NB) == 0 && is_same(path, descriptor)) {
    std::error_code failure;
    fs::remove_all(path, failure);
    removed = !failure;
  }
  ::close(descriptor);
  return removed;
}

/// `create` returns a descriptor, or -1 with errno set. mkostemp() will not do, because its files are private, and
/// reading the umask changes it for every thread. open() and mkdir() apply the umask themselves.
template <class Create>
Staged create_staged(const fs::path& output, const Create& create) {
  constexpr int kAttempts = 100;
  std::random_device random;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    std::string name = prefix_of(output);
    for (std::size_t i = 0; i < kRandom; ++i) name += kLetters[random() % kLetters.size()];
    Staged staged{output.parent_path() / name, -1};
    staged.descriptor = create(staged.path.c_str());
    if (staged.descriptor >= 0) {
      if (claim(staged.path, staged.descriptor)) return staged;
      ::close(staged.descriptor);
      remove_if_dead(staged.path);
    } else if (errno != EEXIST) {
      break;
    }
  }
  throw Error(code_of_errno(errno), final_name(output), std::string("cannot create: ") + std::strerror(errno));
}

bool is_staged_name(std::string_view name, std::string_view prefix) {
  return name.size() == prefix.size() + kRandom && name.starts_with(prefix) &&
         name.find_first_not_of(kLetters, prefix.size()) == std::string_view::npos;
}

}  // namespace

fs::path parent_of(const fs::path& path) { return path.has_parent_path() ? path.parent_path() : fs::path("."); }

Staged create_staged_file(const fs::path& output) {
  return create_staged(output, [](const char* name) {
    return ::open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);  //
  });
}

Staged create_staged_directory(const fs::path& output) {
  return create_staged(output, [](const char* name) {
    if (::mkdir(name, 0777) != 0) return -1;
    const int descriptor = ::open(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (descriptor < 0) {
      const int failure = errno;
      ::rmdir(name);
      errno = failure == ENOENT ? EEXIST : failure;  // removed by a run that took it for dead: try another name
    }
    return descriptor;
  });
}

std::optional<Staged> take_over_staged(const fs::path& output, const fs::path& name) {
  const std::string prefix = prefix_of(output);
  std::error_code failure;
  for (fs::directory_iterator it(parent_of(output), failure), end; !failure && it != end; it.increment(failure)) {
    if (!is_staged_name(it->path().filename().string(), prefix)) continue;
    // The path is put together as create_staged() does, so that messages name it alike.
    const Staged staged{output.parent_path() / it->path().filename(),
                        ::open(it->path().c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    if (staged.descriptor < 0) continue;
    struct stat status {};
    std::error_code ignored;
    if (::fstat(staged.descriptor, &status) == 0 && status.st_uid == ::geteuid() &&
        ::flock(staged.descriptor, LOCK_EX | LOCK_NB) == 0 && is_same(staged.path, staged.descriptor) &&
        fs::is_directory(staged.path / name, ignored))
      return staged;
    ::close(staged.descriptor);
  }
  return std::nullopt;
}

std::vector<fs::path> remove_dead_staged(const fs::path& output) {
  std::vector<fs::path> removed;
  const std::string prefix = prefix_of(output);
  std::error_code failure;
  for (fs::directory_iterator it(parent_of(output), failure), end; !failure && it != end; it.increment(failure))
    if (is_staged_name(it->path().filename().string(), prefix) && remove_if_dead(it->path()))
      removed.push_back(it->path());
  std::sort(removed.begin(), removed.end());
  return removed;
}

fs::path final_name(const fs::path& path) {
  fs::path result;
  for (const fs::path& part : path) {
    const std::string name = part.string();
    const std::size_t tag = name.rfind(kTag);
    const bool staged = name.starts_with('.') && tag != std::string::npos && tag > 1 &&
                        is_staged_name(name, std::string_view(name).substr(0, tag + kTag.size()));
    result /= staged ? fs::path(name.substr(1, tag - 1)) : part;
  }
  return result;
}

}  // namespace pare::base
