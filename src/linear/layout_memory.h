// Memory for the layouts of a model's layers.
#pragma once

#include <cstddef>
#include <memory_resource>
#include <mutex>
#include <new>

namespace pare::linear {

/// Allocates layouts next to one another, in large pages if the system has them. A single token reads each layout once,
/// and looking up a small page takes as long as reading much of it. All memory is freed together. Safe to use from
/// several threads.
class LayoutMemory {
 public:
  LayoutMemory() : pieces_(kFirst, &pages_) {}

  /// `count` uninitialized elements of T, aligned to a cache line. Throws std::bad_alloc.
  template <class T>
  T* allocate(std::size_t count) {
    if (count > (std::size_t{1} << 62) / sizeof(T)) throw std::bad_alloc();
    const std::lock_guard lock(mutex_);
    return static_cast<T*>(pieces_.allocate(count * sizeof(T), kLine));
  }

 private:
  static constexpr std::size_t kLine = 64, kFirst = std::size_t{1} << 22;

  struct LargePages final : std::pmr::memory_resource {
    void* do_allocate(std::size_t bytes, std::size_t alignment) override;
    void do_deallocate(void* memory, std::size_t bytes, std::size_t alignment) override;
    bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
  };

  std::mutex mutex_;
  LargePages pages_;
  std::pmr::monotonic_buffer_resource pieces_;
};

}  // namespace pare::linear
