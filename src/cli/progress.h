// One line on the terminal that says how far a long run is, and nothing where nobody watches.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>

namespace pare::cli {

/// Shown on standard error if that is a terminal, after a second, at most ten times a second;
/// erased when the object goes. Its callbacks may be called from any thread.
class Progress {
 public:
  Progress(std::string what, bool quiet);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// For the library's bytes_done, bytes_total callbacks; valid while this object lives.
  std::function<void(std::uint64_t, std::uint64_t)> bytes();
  /// For callbacks that name a step and tell the fraction done.
  std::function<void(const std::string&, double)> steps();

 private:
  using Clock = std::chrono::steady_clock;
  /// Draws if it is time to; `rate` is shown in bytes per second where it is positive.
  void show(const std::string& what, double fraction, std::uint64_t bytes_done);

  const std::string what_;
  const bool enabled_;
  const Clock::time_point start_ = Clock::now();
  Clock::time_point last_{};
  bool drawn_ = false;
  std::mutex mutex_;
};

}  // namespace pare::cli
