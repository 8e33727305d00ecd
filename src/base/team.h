// Threads that stay awake between short loops.
#pragma once

#include <atomic>
#include <functional>

namespace pare::base {

/// A leader and its helpers, which wait for the leader's jobs without sleeping. A helper that is late, or not there at
/// all, is never waited for: the leader does what nobody else does.
class Team {
 public:
  /// A job: called with worker 0 on the leader's thread and with the helpers' numbers on theirs. Must not throw.
  using Job = std::function<void(unsigned worker)>;

  /// The team that this thread leads, or nullptr.
  static Team* of_this_thread() noexcept;

  /// Runs `body` on this thread as the leader, then sends the helpers home. Rethrows what `body` throws.
  void lead(const std::function<void()>& body);

  /// Takes part in jobs as `worker` (from 1) until the leader ends.
  void help(unsigned worker);

  /// Runs a job on the leader and on the helpers below `workers`. False, and nothing done, if a job is running already.
  bool run(unsigned workers, const Job& job);

 private:
  void set(unsigned turn);

  static constexpr unsigned kEnd = ~0U;
  std::atomic<unsigned> turn_{0};    ///< odd: a job is open
  std::atomic<unsigned> inside_{0};  ///< helpers that may be using `job_`
  const Job* job_ = nullptr;
  unsigned workers_ = 0;  ///< of `job_`
};

}  // namespace pare::base
