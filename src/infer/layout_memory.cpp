#include "infer/layout_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <new>

namespace pare::infer {
namespace {

constexpr std::size_t kLargePage = std::size_t{1} << 21;

}  // namespace

void* LayoutMemory::LargePages::do_allocate(std::size_t bytes, std::size_t alignment) {
  const std::size_t whole = (bytes + kLargePage - 1) / kLargePage * kLargePage;
  void* memory = std::aligned_alloc(std::max(alignment, kLargePage), whole);
  if (memory == nullptr) throw std::bad_alloc();
  ::madvise(memory, whole, MADV_HUGEPAGE);  // a wish: nothing depends on it
  return memory;
}

void LayoutMemory::LargePages::do_deallocate(void* memory, std::size_t, std::size_t) { std::free(memory); }

}  // namespace pare::infer
