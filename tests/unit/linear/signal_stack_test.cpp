// Signals that arrive while oneDNN multiplies damage nothing.
#include <gtest/gtest.h>
#include <pthread.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <thread>
#include <vector>

#include "linear/linear.h"

namespace pare::linear {
namespace {

std::atomic<unsigned> signals{0}, on_thread_stack{0};

extern "C" void count_signal(int) {
  stack_t stack{};
  ::sigaltstack(nullptr, &stack);
  signals.fetch_add(1);
  if ((stack.ss_flags & SS_ONSTACK) == 0) on_thread_stack.fetch_add(1);
}

TEST(SignalStack, IsUsedWhileOneDnnMultiplies) {
#if defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the thread sanitizer calls handlers later, from places where it intercepts calls";
#endif
  std::vector<float> weight(576 * 256);
  for (std::size_t i = 0; i < weight.size(); ++i) weight[i] = static_cast<float>(i % 17) - 8;
  Matrix x(128, 576);
  for (std::size_t i = 0; i < x.values.size(); ++i) x.values[i] = static_cast<float>(i % 13) - 6;
  const Linear linear({{weight.data(), 576, 256}});
  const auto product = [&] { return apply(linear, x, Context(1)).values; };
  const auto expected = product();  // also makes the stack

  struct sigaction action {
  }, before{};
  action.sa_handler = count_signal;
  action.sa_flags = SA_RESTART | SA_ONSTACK;
  ::sigemptyset(&action.sa_mask);
  ASSERT_EQ(::sigaction(SIGUSR2, &action, &before), 0);
  std::atomic<bool> done{false};
  std::thread sender([&, target = ::pthread_self()] {
    while (!done) {
      ::pthread_kill(target, SIGUSR2);
      std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
  });
  for (const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(200);
       std::chrono::steady_clock::now() < end;)
    EXPECT_EQ(product(), expected);
  done = true;
  sender.join();
  ::sigaction(SIGUSR2, &before, nullptr);
  EXPECT_GT(signals, 0U);
  EXPECT_EQ(on_thread_stack, 0U);
}

}  // namespace
}  // namespace pare::linear
