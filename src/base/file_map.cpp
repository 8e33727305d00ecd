#include "base/file_map.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <utility>

#include "base/descriptor.h"
#include "base/holes.h"
#include "base/system_error.h"
#include "pare/error.h"

namespace pare::base {
namespace {

FileVersion version_of(const std::filesystem::path& path, const struct stat& status) {
  return {path, status.st_dev, status.st_ino, static_cast<std::uint64_t>(status.st_size),
          status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec};
}

/// Of all FileMaps, by where they begin.
struct OpenMaps {
  std::shared_mutex mutex;
  std::map<const std::byte*, std::size_t> sizes;
};

OpenMaps& open_maps() {
  static OpenMaps& maps = *new OpenMaps;  // never destroyed: a FileMap may live until the end of the process
  return maps;
}

/// Opens an unnamed file in `directory`, which disappears when it is closed, even if the process is killed. Returns -1
/// with errno set on failure.
int create_nameless(const std::filesystem::path& directory) {
  const int descriptor = ::open(directory.c_str(), O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
  if (descriptor >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)) return descriptor;
  std::string pattern = (directory / "pare-scratch-XXXXXX").string();  // for a file system without unnamed files
  const int named = ::mkostemp(pattern.data(), O_CLOEXEC);
  if (named >= 0) ::unlink(pattern.c_str());
  return named;
}

}  // namespace

FileMap::FileMap(const std::byte* data, std::size_t size, FileVersion version)
    : data_(data), size_(size), version_(std::move(version)) {
  if (size_ == 0) return;
  OpenMaps& maps = open_maps();
  const std::unique_lock lock(maps.mutex);
  maps.sizes.emplace(data_, size_);
}

std::shared_ptr<const FileMap> FileMap::open(const std::filesystem::path& path) {
  const Descriptor fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (!fd.is_open()) throw Error(code_of_errno(errno), path, std::string("cannot open: ") + std::strerror(errno));
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0)
    throw Error(code_of_errno(errno), path, std::string("cannot stat: ") + std::strerror(errno));
  if (!S_ISREG(status.st_mode)) throw Error(ErrorCode::kIo, path, "is not a regular file");
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size == 0) return std::shared_ptr<const FileMap>(new FileMap(nullptr, 0, version_of(path, status)));
  void* data = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd.get(), 0);
  if (data == MAP_FAILED) throw Error(code_of_errno(errno), path, std::string("cannot map: ") + std::strerror(errno));
  const bool sparse = static_cast<std::uint64_t>(status.st_blocks) * 512 < size;  // or compressed
  if (sparse) note_holes(fd.get(), static_cast<const std::byte*>(data), size);
  return std::shared_ptr<const FileMap>(
      new FileMap(static_cast<const std::byte*>(data), size, version_of(path, status)));
}

FileMap::~FileMap() {
  if (size_ == 0) return;
  forget_holes(data_);
  {
    OpenMaps& maps = open_maps();
    const std::unique_lock lock(maps.mutex);
    maps.sizes.erase(data_);
  }
  ::munmap(const_cast<std::byte*>(data_), size_);
}

void release_pages(const std::byte* data) noexcept {
  OpenMaps& maps = open_maps();
  const std::shared_lock lock(maps.mutex);
  const auto after = maps.sizes.upper_bound(data);
  if (after == maps.sizes.begin()) return;
  const auto [begin, size] = *std::prev(after);
  if (data < begin + size) ::madvise(const_cast<std::byte*>(begin), size, MADV_DONTNEED);
}

void read_ahead(const std::byte* data, std::size_t size) noexcept {
  static const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  // One call reads no more than the window of the system's own read-ahead, which is 128 KiB unless it is changed.
  constexpr std::size_t kStep = std::size_t{128} << 10;
  const auto page_of = [](const std::byte* at) {
    return const_cast<std::byte*>(at - reinterpret_cast<std::uintptr_t>(at) % page);
  };
  // The ends may have been read together with what lies beside them.
  unsigned char resident = 1;
  if (size == 0 || ::mincore(page_of(data + size / 2), page, &resident) != 0 || (resident & 1U) != 0) return;
  const std::byte* end = data + size;
  for (std::byte* at = page_of(data); at < end; at += kStep)
    ::madvise(at, std::min(kStep, static_cast<std::size_t>(end - at)), MADV_WILLNEED);
}

ScratchFile::ScratchFile(std::uint64_t size) : size_(size) {
  if (size == 0) return;
  const char* configured = std::getenv("TMPDIR");
  const std::filesystem::path name = configured != nullptr && *configured != '\0' ? configured : "/tmp";
  const Descriptor fd{create_nameless(name)};
  if (!fd.is_open())
    throw Error(code_of_errno(errno), name, std::string("cannot create a scratch file: ") + std::strerror(errno));
  // Space is reserved now: a full disk must be an error here, not a SIGBUS at the first write.
  if (const int failure = ::posix_fallocate(fd.get(), 0, static_cast<off_t>(size)); failure != 0)
    throw Error(code_of_errno(failure), name,
                std::string("cannot make room for a scratch file: ") + std::strerror(failure));
  void* data = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (data == MAP_FAILED)
    throw Error(code_of_errno(errno), name, std::string("cannot map a scratch file: ") + std::strerror(errno));
  data_ = static_cast<std::byte*>(data);
}

ScratchFile::~ScratchFile() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

}  // namespace pare::base

namespace pare {

void FileVersion::require_unchanged() const {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0)
    throw Error(base::code_of_errno(errno), path,
                std::string("disappeared while it was read: ") + std::strerror(errno));
  const FileVersion now = base::version_of(path, status);
  if (now.device != device || now.inode != inode || now.size != size || now.modified != modified)
    throw Error(ErrorCode::kChanged, path,
                "was changed while it was read (expected " + std::to_string(size) + " bytes, found " +
                    std::to_string(now.size) + "); nothing was written");
}

}  // namespace pare
