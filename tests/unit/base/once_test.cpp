#include "base/once.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

namespace pare::base {
namespace {

TEST(Once, RunsTheFirstWorkOnly) {
  Once once;
  int calls = 0;
  once.run([&] { ++calls; });
  once.run([&] { calls += 10; });
  EXPECT_EQ(calls, 1);
}

TEST(Once, TriesAgainAfterWorkThatThrew) {
  Once once;
  int calls = 0;
  const auto fails = [&] {
    ++calls;
    throw std::runtime_error("no");
  };
  EXPECT_THROW(once.run(fails), std::runtime_error);
  EXPECT_THROW(once.run(fails), std::runtime_error);
  once.run([&] { ++calls; });
  EXPECT_EQ(calls, 3);
}

TEST(Once, IsDoneBeforeAnyThreadGoesOn) {
  Once once;
  int value = 0;
  std::atomic<int> seen{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] {
      once.run([&] { value = 7; });
      seen += value;
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(seen, 56);
}

}  // namespace
}  // namespace pare::base
