#include "base/parallel.h"

#include <sched.h>
#include <tbb/global_control.h>
#include <tbb/info.h>
#include <tbb/task_arena.h>
#include <tbb/task_group.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "base/pieces.h"
#include "base/team.h"

namespace pare::base {
namespace {

/// oneTBB passes work from thread to thread, which the thread sanitizer cannot see if oneTBB was built without it.
/// Storing and loading this counter shows it the same order of events. The counter must not live on a stack, where its
/// construction would be unordered as well.
std::atomic<unsigned> hand_over{0};

void publish() noexcept { hand_over.fetch_add(1, std::memory_order_release); }
void take() noexcept { hand_over.load(std::memory_order_acquire); }

/// Made once for each number of threads, because making one takes as long as a small matrix product.
tbb::task_arena& arena_of(unsigned workers) {
  static std::mutex mutex;
  static std::map<unsigned, std::unique_ptr<tbb::task_arena>> arenas;
  const std::lock_guard lock(mutex);
  std::unique_ptr<tbb::task_arena>& arena = arenas[workers];
  if (!arena) arena = std::make_unique<tbb::task_arena>(static_cast<int>(workers));
  return *arena;
}

/// Calls work(worker) for every worker: 0 on this thread, the others where oneTBB finds a thread for them.
void on_threads(unsigned workers, const std::function<void(unsigned worker)>& work) {
  // More threads than the machine has cores are allowed on request.
  std::optional<tbb::global_control> limit;
  if (workers > static_cast<unsigned>(tbb::info::default_concurrency()))
    limit.emplace(tbb::global_control::max_allowed_parallelism, workers);
  // Isolated: a thread that waits here for its own work must not take up other work meanwhile, which may be to help a
  // team until its leader ends, while the leader waits for this very thread.
  const auto in_arena = [&] {  // on another thread if the arena has no room for this one
    take();
    tbb::this_task_arena::isolate([&] {
      tbb::task_group group;
      for (unsigned worker = 1; worker < workers; ++worker) {
        tbb::task_handle task = group.defer([&work, worker] {
          take();
          work(worker);
          publish();
        });
        publish();
        group.run(std::move(task));
      }
      work(0);
      group.wait();
      take();
    });
    publish();
  };
  tbb::task_arena& arena = arena_of(workers);
  publish();
  arena.execute(in_arena);
  take();
}

}  // namespace

unsigned thread_count(unsigned requested) noexcept {
  if (requested != 0) return requested;
  cpu_set_t allowed;
  if (::sched_getaffinity(0, sizeof allowed, &allowed) == 0) return std::max(1, CPU_COUNT(&allowed));
  return std::max(1U, std::thread::hardware_concurrency());
}

unsigned worthwhile_threads(unsigned requested, std::size_t multiply_adds) noexcept {
  // A team takes up work sooner, so that less of it is worth sharing.
  const std::size_t least = Team::of_this_thread() == nullptr ? kWorthSharing : kWorthSharing / 16;
  return multiply_adds < least ? 1 : thread_count(requested);
}

void parallel_for(std::size_t items, const Context& context,
                  const std::function<void(std::size_t item, unsigned worker)>& body) {
  const auto workers =
      static_cast<unsigned>(std::min<std::size_t>(thread_count(context), std::max<std::size_t>(items, 1)));
  std::atomic<std::size_t> next{0};
  std::atomic<bool> failed{false};
  std::exception_ptr failure;
  std::mutex failure_mutex;
  const auto work = [&](unsigned worker) {
    while (!failed.load(std::memory_order_relaxed) && !context.stopped()) {
      const std::size_t item = next.fetch_add(1, std::memory_order_relaxed);
      if (item >= items) return;
      try {
        body(item, worker);
      } catch (...) {
        const std::lock_guard lock(failure_mutex);
        if (!failure) failure = std::current_exception();
        failed.store(true, std::memory_order_relaxed);
      }
    }
  };
  if (workers == 1)
    work(0);
  else if (Team* team = Team::of_this_thread(); team == nullptr || !team->run(workers, std::ref(work)))
    on_threads(workers, std::ref(work));
  if (failure) std::rethrow_exception(failure);
  context.check();
}

void with_team(const Context& context, const std::function<void()>& body) {
  const unsigned workers = thread_count(context);
  if (workers == 1 || Team::of_this_thread() != nullptr) return body();
  Team team;
  std::exception_ptr failure;
  on_threads(workers, [&](unsigned worker) {
    if (worker != 0) return team.help(worker);
    try {
      team.lead(body);
    } catch (...) {
      failure = std::current_exception();
    }
  });
  if (failure) std::rethrow_exception(failure);
}

}  // namespace pare::base
