// Shows the progress of a long run in one line on the terminal; nothing if standard error is not a terminal.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

#include "pare/context.h"

namespace pare::cli {

/// Shown on standard error if that is a terminal, after a second, at most ten times a second;
/// erased when the object is destroyed. Its callbacks may be called from any thread.
class ProgressLine {
 public:
  /// `what` names the operation if a call does not name its steps.
  ProgressLine(std::string what, bool quiet);
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  /// `context` with its progress shown here, to be used while this object lives.
  Context follow(const Context& context);

 private:
  using Clock = std::chrono::steady_clock;
  /// Draws if it is time to; `rate` is shown in bytes per second where it is positive.
  void show(std::string_view what, double fraction, std::uint64_t bytes_done);

  const std::string what_;
  const bool enabled_;
  const Clock::time_point start_ = Clock::now();
  Clock::time_point last_{};
  bool drawn_ = false;
  std::mutex mutex_;
};

}  // namespace pare::cli
