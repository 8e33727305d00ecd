// Settings of a call: number of threads, progress callback, cancellation.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace pare {

class ProcessGroup;

/// Thrown by a call whose Context was stopped. Its output does not appear under the final name; with
/// WriteOptions::resume, finished files stay in a hidden directory for the next call. It is not an Error
/// (pare/error.h), because nothing failed.
class Interrupted : public std::exception {
 public:
  const char* what() const noexcept override { return "interrupted"; }
};

/// Progress of a call.
struct Progress {
  std::string_view step;    ///< name of the current step; empty if the call has only one. Valid during the callback
  double fraction = 0;      ///< how much of the whole call is done, 0 to 1
  std::uint64_t bytes = 0;  ///< bytes of tensors processed so far; 0 if the call does not count bytes
};

/// Receives progress. It must be thread-safe: threads of a call may call it at the same time. It may call
/// Context::stop(). If it throws, the call ends and rethrows the exception to its caller.
using ProgressFunction = std::function<void(const Progress&)>;

/// Threads, progress and cancellation of calls. Every call that may take long has a Context as its last parameter; `{}`
/// stands for a thread for each core that the process may use, without progress. Cheap to copy. Copies, and the
/// contexts that the functions below derive, share one stop flag: stopping any of them stops the calls that use any of
/// them. Safe to use from any thread.
class Context {
 public:
  /// `threads`: how many threads a call may use; 0 for one per core.
  explicit Context(unsigned threads, ProgressFunction progress = {});
  Context() : Context(0) {}

  unsigned threads() const noexcept { return threads_; }  ///< as given: 0 for one per core

  /// Returns a copy that uses `threads` threads (0: one per core).
  Context with_threads(unsigned threads) const;
  /// Returns a copy with another progress function, or with none.
  Context with_progress(ProgressFunction progress) const;
  /// Returns a context for one step of a longer call, which takes the call from `begin` to `end` (0 <= begin <= end <=
  /// 1): when half of the step is done, this context reports the middle between the two. If `step` is not empty, it
  /// replaces the step names used inside. Byte counts are not passed on.
  Context part(double begin, double end, std::string step = {}) const;

  /// Returns a copy whose calls are shared by the processes of `group` (see pare/process_group.h).
  Context with_group(std::shared_ptr<ProcessGroup> group) const;
  /// Returns a copy whose calls are made by this process alone.
  Context alone() const { return with_group(nullptr); }
  ProcessGroup* group() const noexcept { return group_.get(); }  ///< nullptr: this process alone
  /// Whether this process is the first of its group (MPI's rank 0), or alone. Results of shared calls are complete on
  /// that process; whether also on the others, each function says.
  bool leads() const noexcept;

  /// Asks the calls that use this context to stop soon: they throw Interrupted. A signal handler may call it, but must
  /// be installed with SA_ONSTACK, because oneDNN uses the stack pointer for other things. Threads that run oneDNN have
  /// a stack for signals.
  void stop() const noexcept { stopped_->store(true, std::memory_order_relaxed); }
  /// Clears the stop flag, so that new calls may use this context and those that share the flag. Call it only after
  /// every stopped call has returned.
  void reset() const noexcept { stopped_->store(false, std::memory_order_relaxed); }
  bool stopped() const noexcept { return stopped_->load(std::memory_order_relaxed); }
  // The remaining functions are for code that is called with a context.

  /// Throws Interrupted if the context is stopped.
  void check() const {
    if (stopped()) throw Interrupted();
  }

  /// Whether a progress function is set.
  bool reports() const noexcept { return progress_ != nullptr; }
  /// Calls the progress function, if there is one.
  void report(double fraction, std::string_view step = {}, std::uint64_t bytes = 0) const {
    if (progress_) (*progress_)({step, fraction, bytes});
  }
  /// Reports done / total as the fraction, and `done` as the bytes of tensors.
  void report_bytes(std::uint64_t done, std::uint64_t total) const;

 private:
  std::shared_ptr<std::atomic<bool>> stopped_;
  std::shared_ptr<const ProgressFunction> progress_;
  std::shared_ptr<ProcessGroup> group_;
  unsigned threads_ = 0;
};

}  // namespace pare
