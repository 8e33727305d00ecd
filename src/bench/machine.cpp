#include <algorithm>
#include <chrono>
#include <limits>

#include "base/aligned_buffer.h"
#include "base/parallel.h"
#include "kernels/peak.h"
#include "pare/bench.h"

namespace pare {
namespace {

constexpr int kCalls = 12;  // each takes some ten milliseconds

/// Seconds of the fastest of several calls.
template <class F>
double best_of(int calls, F call) {
  using Clock = std::chrono::steady_clock;
  double best = std::numeric_limits<double>::max();
  for (int i = 0; i < calls; ++i) {
    const auto begin = Clock::now();
    call();
    best = std::min(best, std::chrono::duration<double>(Clock::now() - begin).count());
  }
  return best;
}

}  // namespace

double measure_flops(const Context& context) {
  constexpr std::size_t kRounds = std::size_t{1} << 22;
  const unsigned threads = base::thread_count(context);
  std::vector<float> sink(threads);
  std::size_t each = 0;
  const double seconds = best_of(kCalls, [&] {
    base::parallel_for(threads, context, [&](std::size_t i, unsigned) {
      const std::size_t count = kernels::multiply_in_registers(kRounds, &sink[i]);
      if (i == 0) each = count;
    });
  });
  return 2.0 * static_cast<double>(each) * static_cast<double>(kRounds) * threads / seconds;
}

MachineSpeed measure_machine(const Context& context) {
  constexpr std::size_t kFloats = std::size_t{1} << 26;
  const unsigned threads = base::thread_count(context);
  MachineSpeed speed;
  base::AlignedBuffer<float> memory(kFloats);
  const std::size_t piece = kFloats / threads;
  std::vector<float> sink(threads);
  base::parallel_for(threads, context,
                     [&](std::size_t i, unsigned) { std::fill_n(memory.data() + i * piece, piece, 1.0F); });
  const double reading = best_of(kCalls, [&] {
    base::parallel_for(threads, context,
                       [&](std::size_t i, unsigned) { sink[i] = kernels::read_all(memory.data() + i * piece, piece); });
  });
  speed.bytes_a_second = static_cast<double>(piece * threads * sizeof(float)) / reading;
  speed.flops = measure_flops(context);
  return speed;
}

}  // namespace pare
