#include "linear/layout_memory.h"

#include <sys/mman.h>

#include <cstdint>
#include <new>

namespace pare::linear {
namespace {

constexpr std::size_t kLargePage = std::size_t{1} << 21;

std::size_t whole_pages(std::size_t bytes) { return (bytes + kLargePage - 1) / kLargePage * kLargePage; }

}  // namespace

// Memory comes from the system, not from malloc, whose memory may have been used before with small pages.
void* LayoutMemory::LargePages::do_allocate(std::size_t bytes, std::size_t) {
  const std::size_t size = whole_pages(bytes), room = size + kLargePage;
  void* mapped = ::mmap(nullptr, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) throw std::bad_alloc();
  auto* begin = static_cast<std::byte*>(mapped);
  const std::size_t before = (kLargePage - reinterpret_cast<std::uintptr_t>(begin) % kLargePage) % kLargePage;
  if (before != 0) ::munmap(begin, before);
  ::munmap(begin + before + size, kLargePage - before);
  ::madvise(begin + before, size, MADV_HUGEPAGE);  // a hint: the result does not matter
  return begin + before;
}

void LayoutMemory::LargePages::do_deallocate(void* memory, std::size_t bytes, std::size_t) {
  ::munmap(memory, whole_pages(bytes));
}

}  // namespace pare::linear
