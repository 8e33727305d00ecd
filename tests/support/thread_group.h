// A group of "processes" that are threads, so that tests of shared calls need no MPI.
#pragma once

#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "pare/process_group.h"

namespace pare::test {

/// Messages on their way, by sender and receiver.
struct Mail {
  std::mutex mutex;
  std::condition_variable arrived;
  std::map<std::pair<unsigned, unsigned>, std::deque<std::vector<std::byte>>> messages;
};

class ThreadGroup final : public ProcessGroup {
 public:
  ThreadGroup(unsigned rank, unsigned size, std::shared_ptr<Mail> mail)
      : rank_(rank), size_(size), mail_(std::move(mail)) {}

  unsigned rank() const noexcept override { return rank_; }
  unsigned size() const noexcept override { return size_; }
  void abort(int) noexcept override { std::abort(); }

 private:
  void do_send(unsigned to, std::span<const std::byte> bytes, const Context&) override {
    const std::scoped_lock lock(mail_->mutex);
    mail_->messages[{rank_, to}].emplace_back(bytes.begin(), bytes.end());
    mail_->arrived.notify_all();
  }
  std::vector<std::byte> do_receive(unsigned from, const Context& context) override {
    std::unique_lock lock(mail_->mutex);
    std::deque<std::vector<std::byte>>& queue = mail_->messages[{from, rank_}];
    while (queue.empty()) {
      context.check();
      mail_->arrived.wait_for(lock, std::chrono::milliseconds(20));
    }
    std::vector<std::byte> bytes = std::move(queue.front());
    queue.pop_front();
    return bytes;
  }

  unsigned rank_, size_;
  std::shared_ptr<Mail> mail_;
};

/// Calls body(rank, context) on `size` threads, the ranks of one group. If one throws, the others are stopped, and the
/// exception of the lowest rank that failed by itself is rethrown.
inline void run_group(unsigned size, const std::function<void(unsigned, const Context&)>& body) {
  const auto mail = std::make_shared<Mail>();
  const Context common(1);
  std::vector<std::exception_ptr> failures(size);
  std::vector<std::thread> threads;
  for (unsigned rank = 0; rank < size; ++rank)
    threads.emplace_back([&, rank] {
      try {
        body(rank, common.with_group(std::make_shared<ThreadGroup>(rank, size, mail)));
      } catch (const Interrupted&) {
      } catch (...) {
        failures[rank] = std::current_exception();
        common.stop();
      }
    });
  for (std::thread& thread : threads) thread.join();
  for (const std::exception_ptr& failure : failures)
    if (failure) std::rethrow_exception(failure);
}

}  // namespace pare::test
