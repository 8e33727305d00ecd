// Processes that work on one model together, as MPI starts them.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "pare/context.h"

namespace pare {

/// A group of processes (ranks 0 to size - 1) that can send each other bytes. A Context with a group makes the calls
/// that use it shared work: every rank makes the same calls with the same arguments in the same order, and each reads
/// and writes a part. The calls that can be shared are inspect(), measure(), histogram(), magnitude_sketch(),
/// plan_pruning(), plan_calibrated(), write_pruned(), plan_packing(), write_packed(), evaluate(), those of
/// PreparedTask, measure_sensitivity() and allocate(); others do all their work in every process. If a call fails on
/// one rank, the others wait for it until they are stopped: the caller must end the group then, with abort().
class ProcessGroup {
 public:
  virtual ~ProcessGroup() = default;
  ProcessGroup() = default;
  ProcessGroup(const ProcessGroup&) = delete;
  ProcessGroup& operator=(const ProcessGroup&) = delete;

  virtual unsigned rank() const noexcept = 0;
  virtual unsigned size() const noexcept = 0;
  /// Ends all processes of the group at once, this one included, with a nonzero exit status.
  [[noreturn]] virtual void abort(int status) noexcept = 0;

  /// Sends bytes to another rank. Messages between two ranks arrive in order. Called by one thread at a time. Throws
  /// Interrupted once `context` is stopped.
  void send(unsigned to, std::span<const std::byte> bytes, const Context& context);
  /// Receives the next message of rank `from`. Throws as send().
  std::vector<std::byte> receive(unsigned from, const Context& context);

  /// Bytes and messages that this rank has sent so far.
  std::uint64_t bytes_sent() const noexcept { return bytes_.load(std::memory_order_relaxed); }
  std::uint64_t messages_sent() const noexcept { return messages_.load(std::memory_order_relaxed); }

 private:
  virtual void do_send(unsigned to, std::span<const std::byte> bytes, const Context& context) = 0;
  virtual std::vector<std::byte> do_receive(unsigned from, const Context& context) = 0;

  std::atomic<std::uint64_t> bytes_{0}, messages_{0};
};

/// Returns the group that mpirun started this process in; nullptr if it was not started so, or alone. Called once,
/// before any other thread is started. Destroying the group waits for the other ranks to do so. Throws Error
/// (kUnavailable) if this pare was built without MPI.
std::shared_ptr<ProcessGroup> group_of_mpirun();

}  // namespace pare
