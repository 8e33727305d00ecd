// Work that is done once, by the thread that needs its result first.
#pragma once

#include <atomic>
#include <mutex>

namespace pare::base {

/// Like std::once_flag, but safe after work that threw: where std::call_once is built on pthread_once (as under the
/// thread sanitizer), the next call may wait forever. Safe to use from any thread.
class Once {
 public:
  /// Calls work() unless an earlier call of it returned normally. If work throws, the next call tries again.
  template <class Work>
  void run(const Work& work) {
    if (done_.load(std::memory_order_acquire)) return;
    const std::lock_guard lock(mutex_);
    if (done_.load(std::memory_order_relaxed)) return;
    work();
    done_.store(true, std::memory_order_release);
  }

 private:
  std::atomic<bool> done_{false};
  std::mutex mutex_;
};

}  // namespace pare::base
