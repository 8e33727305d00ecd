// Uninitialized memory for large tables of numbers, aligned to cache lines and in large pages where the system has
// them.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <type_traits>

namespace pare::base {

template <class T>
class AlignedBuffer {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  AlignedBuffer() = default;
  /// Throws std::bad_alloc.
  explicit AlignedBuffer(std::size_t size) : size_(size) {
    constexpr std::size_t kLine = 64, kLargePage = std::size_t{1} << 21;
    if (size == 0) return;
    if (size > (std::size_t{1} << 62) / sizeof(T)) throw std::bad_alloc();
    const std::size_t bytes = size * sizeof(T), unit = bytes >= 2 * kLargePage ? kLargePage : kLine;
    const std::size_t whole = (bytes + unit - 1) / unit * unit;
    data_.reset(static_cast<T*>(std::aligned_alloc(unit, whole)));
    if (!data_) throw std::bad_alloc();
    if (unit == kLargePage) ::madvise(data_.get(), whole, MADV_HUGEPAGE);
  }

  T* data() noexcept { return data_.get(); }
  const T* data() const noexcept { return data_.get(); }
  std::size_t size() const noexcept { return size_; }
  std::size_t bytes() const noexcept { return size_ * sizeof(T); }

 private:
  struct Free {
    void operator()(T* memory) const noexcept { std::free(memory); }
  };
  std::unique_ptr<T[], Free> data_;
  std::size_t size_ = 0;
};

}  // namespace pare::base
