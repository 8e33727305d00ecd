// Where the layouts of one model's layers lie.
#pragma once

#include <cstddef>
#include <memory_resource>
#include <mutex>
#include <new>

namespace pare::linear {

/// Layouts side by side, in large pages where the system has them: a single token reads each of them once, and finding
/// a page takes as long as reading a good part of it. Nothing is given back before all is. Safe for several threads.
class LayoutMemory {
 public:
  LayoutMemory() : pieces_(kFirst, &pages_) {}

  /// `count` of T on a whole cache line, not set to anything. Throws std::bad_alloc.
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
