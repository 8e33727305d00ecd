#include "base/team.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <chrono>
#include <thread>

namespace pare::base {
namespace {

/// Longer than anything that one thread does alone between two loops of a forward pass.
constexpr std::chrono::microseconds kAwake{500};

thread_local Team* led = nullptr;

constexpr unsigned kYield = 1024;  ///< pauses before another thread may have the core: some 20 microseconds

void relax(unsigned count) noexcept {
#if defined(__x86_64__)
  _mm_pause();
#endif
  if (count % kYield == 0) std::this_thread::yield();
}

}  // namespace

Team* Team::of_this_thread() noexcept { return led; }

void Team::set(unsigned turn) {
  turn_.store(turn);
  turn_.notify_all();
}

void Team::lead(const std::function<void()>& body) {
  struct Leading {
    explicit Leading(Team* leads) : team(leads) { led = leads; }
    ~Leading() {
      led = nullptr;
      team->set(kEnd);
    }
    Team* team;
  } leading(this);
  body();
}

bool Team::run(unsigned workers, const Job& job) {
  const unsigned turn = turn_.load();
  if (turn % 2 != 0) return false;
  job_ = &job;
  workers_ = workers;
  set(turn + 1);
  job(0);
  // A helper first says that it is inside and then looks whether the job is still open; here it is the other way
  // round, so that at least one of the two sees the other.
  turn_.store(turn + 2);
  for (unsigned i = 1; inside_.load() != 0; ++i) relax(i);
  return true;
}

void Team::help(unsigned worker) {
  using Clock = std::chrono::steady_clock;
  unsigned done = 0;
  for (;;) {
    unsigned turn = turn_.load();
    const Clock::time_point asleep = Clock::now() + kAwake;
    for (unsigned i = 1; turn == done || turn % 2 == 0; turn = turn_.load(), ++i) {
      relax(i);
      if (i % kYield == 0 && Clock::now() > asleep) turn_.wait(turn);
    }
    if (turn == kEnd) return;
    inside_.fetch_add(1);
    if (turn_.load() == turn && worker < workers_) (*job_)(worker);
    inside_.fetch_sub(1);
    done = turn;
  }
}

}  // namespace pare::base
