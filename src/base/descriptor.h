// A file descriptor that is closed on every way out.
#pragma once

#include <unistd.h>

namespace pare::base {

class Descriptor {
 public:
  explicit Descriptor(int value = -1) noexcept : value_(value) {}
  ~Descriptor() { close(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int get() const noexcept { return value_; }  ///< negative: none
  bool is_open() const noexcept { return value_ >= 0; }
  void close() noexcept {
    if (value_ >= 0) ::close(value_);
    value_ = -1;
  }

 private:
  int value_;
};

}  // namespace pare::base
