#include "base/spare_memory.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace pare::base {
namespace {

constexpr std::size_t kLine = 64, kLeast = std::size_t{1} << 15, kMost = std::size_t{1} << 26;

/// Sizes are rounded up to eighths of a power of two, so that blocks of similar sizes can stand for each other.
std::size_t rounded(std::size_t bytes) {
  const std::size_t unit = std::max(kLine, std::bit_floor(std::max<std::size_t>(bytes, 1)) / 8);
  if (bytes > SIZE_MAX - unit) throw std::bad_alloc();
  return (bytes + unit - 1) / unit * unit;
}

bool is_kept(std::size_t size) { return size >= kLeast && size <= kMost; }

/// The blocks that a thread keeps, the last one freed at the end.
struct Spare {
  struct Block {
    void* memory;
    std::size_t size;
  };
  std::array<Block, 32> blocks;
  std::size_t count = 0, bytes = 0;

  ~Spare();

  void* take(std::size_t size) noexcept {
    for (std::size_t i = count; i-- > 0;)
      if (blocks[i].size == size) {
        void* memory = blocks[i].memory;
        std::move(blocks.begin() + i + 1, blocks.begin() + count, blocks.begin() + i);
        --count;
        bytes -= size;
        return memory;
      }
    return nullptr;
  }

  void keep(void* memory, std::size_t size) noexcept {
    while (count == blocks.size() || (count != 0 && bytes + size > kMost)) {  // drop the oldest
      std::free(blocks[0].memory);
      bytes -= blocks[0].size;
      std::move(blocks.begin() + 1, blocks.begin() + count, blocks.begin());
      --count;
    }
    blocks[count++] = {memory, size};
    bytes += size;
  }
};

thread_local bool ended = false;  ///< whether this thread's Spare is gone: objects may outlive it at the thread's end
thread_local Spare spare;

Spare::~Spare() {
  ended = true;
  for (std::size_t i = 0; i < count; ++i) std::free(blocks[i].memory);
}

}  // namespace

void* take_memory(std::size_t bytes) {
  const std::size_t size = rounded(bytes);
  if (is_kept(size) && !ended)
    if (void* memory = spare.take(size)) return memory;
  void* memory = std::aligned_alloc(kLine, size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

void give_back_memory(void* memory, std::size_t bytes) noexcept {
  const std::size_t size = rounded(bytes);
  if (is_kept(size) && !ended)
    spare.keep(memory, size);
  else
    std::free(memory);
}

}  // namespace pare::base
