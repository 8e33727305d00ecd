// How a call runs: on how many threads, who hears of its progress, and whether it is to stop.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace pare {

/// Thrown by a call whose Context was stopped; nothing half written is left behind. It is not an Error: nothing failed.
class Interrupted : public std::exception {
 public:
  const char* what() const noexcept override { return "interrupted"; }
};

/// How far a call is.
struct Progress {
  std::string_view step;    ///< what is being done; empty where a call has one step only
  double fraction = 0;      ///< of the whole call, 0 to 1
  std::uint64_t bytes = 0;  ///< of tensors handled so far, where a call consists of that; else 0
};

/// May be called from any thread of the call, also from several at once. It may stop the Context; an exception that it
/// throws ends the call and is rethrown there.
using ProgressFunction = std::function<void(const Progress&)>;

/// Threads, progress and cancellation of calls. The last parameter of every call that takes time; `{}` stands for one
/// thread per core, without progress. Cheap to copy. Copies, and the contexts that the functions below derive, share
/// one stop flag: stopping any of them stops the calls that use any of them. Safe to use from any thread.
class Context {
 public:
  /// `threads`: how many threads a call may use; 0 for one per core.
  explicit Context(unsigned threads, ProgressFunction progress = {});
  Context() : Context(0) {}

  unsigned threads() const noexcept { return threads_; }  ///< as given: 0 for one per core

  /// The same on another number of threads.
  Context with_threads(unsigned threads) const;
  /// The same with another progress function, or none.
  Context with_progress(ProgressFunction progress) const;
  /// For one step of several: what it reports as 0 to 1 becomes `begin` to `end` of this context's progress. If `step`
  /// is not empty, it replaces the names of the step's own steps. Bytes are not passed on.
  Context part(double begin, double end, std::string step = {}) const;

  /// Asks the calls that use this context to stop soon: they throw Interrupted. Async-signal-safe.
  void stop() const noexcept { stopped_->store(true, std::memory_order_relaxed); }
  /// Allows calls again after stop(). To be used once the stopped calls have returned.
  void reset() const noexcept { stopped_->store(false, std::memory_order_relaxed); }
  bool stopped() const noexcept { return stopped_->load(std::memory_order_relaxed); }
  /// Throws Interrupted if the context is stopped.
  void check() const {
    if (stopped()) throw Interrupted();
  }

  /// Whether anybody hears of the progress.
  bool reports() const noexcept { return progress_ != nullptr; }
  /// Calls the progress function, if there is one.
  void report(double fraction, std::string_view step = {}, std::uint64_t bytes = 0) const {
    if (progress_) (*progress_)({step, fraction, bytes});
  }
  /// The same for work that is counted in bytes of tensors.
  void report_bytes(std::uint64_t done, std::uint64_t total) const;

 private:
  std::shared_ptr<std::atomic<bool>> stopped_;
  std::shared_ptr<const ProgressFunction> progress_;
  unsigned threads_ = 0;
};

}  // namespace pare
