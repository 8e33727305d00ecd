#include "call.h"

#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <string>
#include <thread>

namespace nb = nanobind;

namespace pare::python {
namespace {

using namespace std::chrono_literals;

/// What the working thread tells the one that waits for it.
class News {
 public:
  void report(const Progress& progress) {
    const std::unique_lock lock(mutex_, std::try_to_lock);
    if (!lock) return;  // another thread is reporting; a later call will do
    step_.assign(progress.step);
    fraction_ = progress.fraction;
    bytes_ = progress.bytes;
    reported_ = true;
  }

  void finish() {
    const std::lock_guard lock(mutex_);
    finished_ = true;
    changed_.notify_all();
  }

  /// Returns whether the work is finished.
  bool wait() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 50ms, [&] { return finished_; });
  }

  /// Calls `progress` with what was reported last.
  void show(const nb::object& progress) {
    std::unique_lock lock(mutex_);
    if (!reported_ || progress.is_none()) return;
    reported_ = false;
    const std::string step = step_;
    const double fraction = fraction_;
    const std::uint64_t bytes = bytes_;
    lock.unlock();
    progress(nb::str(step.data(), step.size()), fraction, bytes);
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string step_;
  double fraction_ = 0;
  std::uint64_t bytes_ = 0;
  bool reported_ = false, finished_ = false;
};

}  // namespace

void run_without_lock(unsigned threads, const nb::object& progress, const std::function<void(const Context&)>& work) {
  News news;
  std::exception_ptr failure;
  ProgressFunction report;
  if (!progress.is_none()) report = [&](const Progress& now) { news.report(now); };
  const Context context(threads, std::move(report));
  std::thread worker([&] {
    try {
      work(context);
    } catch (...) {
      failure = std::current_exception();
    }
    news.finish();
  });
  const auto join = [&] {
    const nb::gil_scoped_release unlocked;
    worker.join();
  };
  try {
    for (bool finished = false; !finished;) {
      {
        const nb::gil_scoped_release unlocked;
        finished = news.wait();
      }
      if (PyErr_CheckSignals() != 0) throw nb::python_error();
      news.show(progress);
    }
  } catch (...) {
    context.stop();
    join();
    throw;
  }
  join();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace pare::python
