// Work on several threads: every item is processed once, exceptions and interrupts reach the caller.
#include "base/parallel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>
#include <vector>

#include "pare/error.h"

namespace pare::base {
namespace {

class ParallelFor : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(Threads, ParallelFor, testing::Values(0U, 1U, 2U, 3U, 16U));

TEST_P(ParallelFor, VisitsEveryItemOnce) {
  for (const std::size_t items : {0UL, 1UL, 2UL, 15UL, 1000UL}) {
    std::vector<std::atomic<int>> visits(items);
    parallel_for(items, Context(GetParam()), [&](std::size_t item, unsigned) { ++visits[item]; });
    for (std::size_t i = 0; i < items; ++i) EXPECT_EQ(visits[i], 1) << i << " of " << items;
  }
}

TEST_P(ParallelFor, WorkersAreBelowTheCountAndNeverShared) {
  std::vector<std::atomic<int>> busy(thread_count(GetParam()));
  std::atomic<int> shared{0};
  parallel_for(2000, Context(GetParam()), [&](std::size_t, unsigned worker) {
    if (busy.at(worker).fetch_add(1) != 0) ++shared;
    busy[worker].fetch_sub(1);
  });
  EXPECT_EQ(shared, 0);
}

TEST_P(ParallelFor, AnExceptionEndsTheLoopAndIsRethrown) {
  std::atomic<std::size_t> visited{0};
  try {
    parallel_for(1'000'000, Context(GetParam()), [&](std::size_t item, unsigned) {
      ++visited;
      if (item == 10) throw Error(ErrorCode::kMalformed, "f", "w", "cause");
    });
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {  // the original type, not sliced
    EXPECT_STREQ(error.what(), "f: tensor 'w': cause");
  }
  EXPECT_GE(visited, 11U) << "items are handed out in rising order";
  EXPECT_LT(visited, 1'000'000U);
}

TEST_P(ParallelFor, OneExceptionOfManyIsRethrown) {
  EXPECT_THROW(parallel_for(100, Context(GetParam()), [](std::size_t, unsigned) { throw std::out_of_range("x"); }),
               std::out_of_range);
}

TEST(ParallelForOne, RunsInOrderOnTheCallersThread) {
  const auto caller = std::this_thread::get_id();
  std::vector<std::size_t> order;
  parallel_for(5, Context(1), [&](std::size_t item, unsigned worker) {
    EXPECT_EQ(std::this_thread::get_id(), caller);
    EXPECT_EQ(worker, 0U);
    order.push_back(item);
  });
  EXPECT_EQ(order, (std::vector<std::size_t>{0, 1, 2, 3, 4}));
}

TEST(ParallelForOne, MayBeNested) {
  std::atomic<int> count{0};
  const Context context(4);
  parallel_for(8, context,
               [&](std::size_t, unsigned) { parallel_for(8, context, [&](std::size_t, unsigned) { ++count; }); });
  EXPECT_EQ(count, 64);
}

TEST(ThreadCount, ZeroMeansOnePerCore) {
  EXPECT_EQ(thread_count(7), 7U);
  EXPECT_GE(thread_count(0), 1U);
}

TEST_P(ParallelFor, StopsWithInterrupted) {
  const Context context(GetParam());
  std::atomic<std::size_t> visited{0};
  EXPECT_THROW(parallel_for(1'000'000, context,
                            [&](std::size_t item, unsigned) {
                              ++visited;
                              if (item == 10) context.stop();
                            }),
               Interrupted);
  EXPECT_GE(visited, 11U);
  EXPECT_LT(visited, 1'000'000U);
  EXPECT_THROW(parallel_for(1, context, [](std::size_t, unsigned) { FAIL() << "called after the stop"; }), Interrupted);
}

TEST_P(ParallelFor, InATeamVisitsEveryItemOnceInEachOfManyLoops) {
  const Context context(GetParam());
  constexpr std::size_t kLoops = 2000;
  std::vector<std::atomic<int>> visits(kLoops);
  with_team(context, [&] {
    for (std::size_t loop = 0; loop < kLoops; ++loop) {
      std::vector<int> seen(loop % 40);  // not atomic: a helper that came late would be found by a sanitizer
      parallel_for(seen.size(), context, [&](std::size_t item, unsigned worker) {
        EXPECT_LT(worker, thread_count(context));
        ++seen[item];
        ++visits[loop];
      });
      EXPECT_EQ(std::count(seen.begin(), seen.end(), 1), static_cast<std::ptrdiff_t>(seen.size()));
    }
  });
  for (std::size_t loop = 0; loop < kLoops; ++loop) EXPECT_EQ(visits[loop], static_cast<int>(loop % 40));
}

TEST_P(ParallelFor, InATeamWhoseHelpersFellAsleepNothingIsLeftOut) {
  const Context context(GetParam());
  std::atomic<int> count{0};
  with_team(context, [&] {
    for (int loop = 0; loop < 3; ++loop) {
      std::this_thread::sleep_for(std::chrono::milliseconds(3));
      parallel_for(100, context, [&](std::size_t, unsigned) { ++count; });
    }
  });
  EXPECT_EQ(count, 300);
}

TEST_P(ParallelFor, ATeamEndsWithAnExceptionAndAnotherCanFollow) {
  const Context context(GetParam());
  EXPECT_THROW(with_team(context,
                         [&] {
                           parallel_for(100, context, [](std::size_t item, unsigned) {
                             if (item == 10) throw Error(ErrorCode::kMalformed, "f", "cause");
                           });
                         }),
               Error);
  EXPECT_THROW(with_team(context, [] { throw std::out_of_range("x"); }), std::out_of_range);
  std::atomic<int> count{0};
  with_team(context, [&] { parallel_for(100, context, [&](std::size_t, unsigned) { ++count; }); });
  EXPECT_EQ(count, 100);
}

TEST_P(ParallelFor, TeamsOfSeveralThreadsAndNestedLoopsDoNotMix) {
  const Context context(GetParam());
  std::atomic<int> count{0};
  const auto run = [&] {
    with_team(context, [&] {
      for (int loop = 0; loop < 20; ++loop)
        parallel_for(4, context, [&](std::size_t, unsigned) {
          with_team(context, [&] { parallel_for(5, context, [&](std::size_t, unsigned) { ++count; }); });
        });
    });
  };
  std::thread first(run), second(run);
  first.join();
  second.join();
  EXPECT_EQ(count, 2 * 20 * 4 * 5);
}

TEST(Team, AnInterruptedOneCanBeFollowedByAnother) {
  const Context stopped(3);
  EXPECT_THROW(with_team(stopped,
                         [&] {
                           parallel_for(1000, stopped, [&](std::size_t item, unsigned) {
                             if (item == 5) stopped.stop();
                           });
                         }),
               Interrupted);
  const Context context(3);
  std::atomic<int> count{0};
  with_team(context, [&] { parallel_for(7, context, [&](std::size_t, unsigned) { ++count; }); });
  EXPECT_EQ(count, 7);
}

}  // namespace
}  // namespace pare::base
