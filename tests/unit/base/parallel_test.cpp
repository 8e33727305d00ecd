// Work spread over threads: every item once, exceptions and interrupts reach the caller.
#include "base/parallel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
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
    parallel_for(items, GetParam(), [&](std::size_t item, unsigned) { ++visits[item]; });
    for (std::size_t i = 0; i < items; ++i) EXPECT_EQ(visits[i], 1) << i << " of " << items;
  }
}

TEST_P(ParallelFor, WorkersAreBelowTheCountAndNeverShared) {
  std::vector<std::atomic<int>> busy(thread_count(GetParam()));
  std::atomic<int> shared{0};
  parallel_for(2000, GetParam(), [&](std::size_t, unsigned worker) {
    if (busy.at(worker).fetch_add(1) != 0) ++shared;
    busy[worker].fetch_sub(1);
  });
  EXPECT_EQ(shared, 0);
}

TEST_P(ParallelFor, AnExceptionEndsTheLoopAndIsRethrown) {
  std::atomic<std::size_t> visited{0};
  try {
    parallel_for(1'000'000, GetParam(), [&](std::size_t item, unsigned) {
      ++visited;
      if (item == 10) throw Error("f", "w", "cause");
    });
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {  // its own type, not a slice of it
    EXPECT_STREQ(error.what(), "f: tensor 'w': cause");
  }
  EXPECT_GE(visited, 11U) << "items are handed out in rising order";
  EXPECT_LT(visited, 1'000'000U);
}

TEST_P(ParallelFor, OneExceptionOfManyIsRethrown) {
  EXPECT_THROW(parallel_for(100, GetParam(), [](std::size_t, unsigned) { throw std::out_of_range("x"); }),
               std::out_of_range);
}

TEST(ParallelForOne, RunsInOrderOnTheCallersThread) {
  const auto caller = std::this_thread::get_id();
  std::vector<std::size_t> order;
  parallel_for(5, 1, [&](std::size_t item, unsigned worker) {
    EXPECT_EQ(std::this_thread::get_id(), caller);
    EXPECT_EQ(worker, 0U);
    order.push_back(item);
  });
  EXPECT_EQ(order, (std::vector<std::size_t>{0, 1, 2, 3, 4}));
}

TEST(ParallelForOne, MayBeNested) {
  std::atomic<int> count{0};
  parallel_for(8, 4, [&](std::size_t, unsigned) { parallel_for(8, 4, [&](std::size_t, unsigned) { ++count; }); });
  EXPECT_EQ(count, 64);
}

TEST(ThreadCount, ZeroMeansOnePerCore) {
  EXPECT_EQ(thread_count(7), 7U);
  EXPECT_GE(thread_count(0), 1U);
}

// request_stop() holds for the rest of the process, so these run in one of their own.
class ParallelForDeathTest : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(Threads, ParallelForDeathTest, testing::Values(1U, 4U));

/// Ends the process with 0 if `body`, run over many items, is stopped early by an Interrupted.
[[noreturn]] void run_until_interrupted(unsigned threads, bool stop_before) {
  std::atomic<std::size_t> visited{0};
  if (stop_before) request_stop();
  try {
    parallel_for(1'000'000, threads, [&](std::size_t item, unsigned) {
      ++visited;
      if (item == 10) request_stop();
    });
  } catch (const Interrupted&) {
    const bool right = stop_before ? visited == 0 : visited >= 11 && visited < 1'000'000;
    std::_Exit(right ? 0 : 2);
  }
  std::_Exit(1);
}

TEST_P(ParallelForDeathTest, StopsWithInterrupted) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(run_until_interrupted(GetParam(), false), testing::ExitedWithCode(0), "");
  EXPECT_EXIT(run_until_interrupted(GetParam(), true), testing::ExitedWithCode(0), "");
  EXPECT_FALSE(stop_requested()) << "in this process nobody asked";
}

}  // namespace
}  // namespace pare::base
