#include "base/holes.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <iterator>
#include <map>
#include <shared_mutex>
#include <string_view>
#include <utility>
#include <vector>

namespace pare::base {
namespace {

constexpr std::size_t kMostHoles = 1 << 16;  // of a file; further ones are read like data

/// Begin and end of each, rising.
using Holes = std::vector<std::pair<const std::byte*, const std::byte*>>;

struct MappedHoles {
  std::shared_mutex mutex;
  std::map<const std::byte*, Holes> by_file;  ///< by where the file is mapped
  std::atomic<std::size_t> files{0};
};

MappedHoles& mapped_holes() {
  static MappedHoles holes;
  return holes;
}

Holes holes_of(int descriptor, const std::byte* data, std::size_t size) {
  Holes holes;
  for (off_t at = 0; static_cast<std::size_t>(at) < size && holes.size() < kMostHoles;) {
    const off_t begin = ::lseek(descriptor, at, SEEK_HOLE);
    if (begin < 0 || static_cast<std::size_t>(begin) >= size) break;
    const off_t next = ::lseek(descriptor, begin, SEEK_DATA);  // fails if no data follows
    const std::size_t end = next < 0 ? size : std::min(size, static_cast<std::size_t>(next));
    holes.emplace_back(data + begin, data + end);
    at = static_cast<off_t>(end);
  }
  return holes;
}

}  // namespace

void note_holes(int descriptor, const std::byte* data, std::size_t size) {
  // Tests and benchmarks make large models of holes and want them to be read.
  if (const char* choice = std::getenv("PARE_HOLES"); choice != nullptr && std::string_view(choice) == "read") return;
  Holes holes = holes_of(descriptor, data, size);
  if (holes.empty()) return;
  MappedHoles& mapped = mapped_holes();
  const std::unique_lock lock(mapped.mutex);
  mapped.by_file[data] = std::move(holes);
  mapped.files = mapped.by_file.size();
}

void forget_holes(const std::byte* data) noexcept {
  MappedHoles& mapped = mapped_holes();
  if (mapped.files == 0) return;
  const std::unique_lock lock(mapped.mutex);
  mapped.by_file.erase(data);
  mapped.files = mapped.by_file.size();
}

bool is_hole(const std::byte* data, std::size_t size) noexcept {
  MappedHoles& mapped = mapped_holes();
  if (mapped.files.load(std::memory_order_relaxed) == 0) return false;
  const std::shared_lock lock(mapped.mutex);
  const auto file = mapped.by_file.upper_bound(data);
  if (file == mapped.by_file.begin()) return false;
  const Holes& holes = std::prev(file)->second;
  const auto after = std::upper_bound(holes.begin(), holes.end(), data,
                                      [](const std::byte* at, const auto& hole) { return at < hole.first; });
  return after != holes.begin() && data + size <= std::prev(after)->second;
}

}  // namespace pare::base
