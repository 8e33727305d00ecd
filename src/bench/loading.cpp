#include "bench/loading.h"

#include <algorithm>
#include <chrono>
#include <vector>

#include "bench/passes.h"
#include "bench/process_memory.h"
#include "bench/statistics.h"

namespace pare::bench {
namespace {

constexpr std::size_t kMostLoads = 3;

double load_once(const std::filesystem::path& directory, const BenchOptions& options, KernelChoice kernels,
                 const Context& context) {
  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  const Model model = open_model(directory.string(), {}, context);
  InferOptions running;
  running.kernels = kernels;
  const std::unique_ptr<Runner> runner = open_runner(model, running, context);
  time_prefill(*runner, options.sequences, fitting(*runner, options.length), context);
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

}  // namespace

BenchLoad measure_load(const std::filesystem::path& directory, const BenchOptions& options, KernelChoice kernels,
                       const Context& context) {
  BenchLoad load;
  const std::uint64_t before = begin_peak();
  load_once(directory, options, kernels, context);
  load.peak_memory = peak_resident() - std::min(peak_resident(), before);
  std::vector<double> seconds;
  for (std::size_t i = 0; i < std::min(options.runs, kMostLoads); ++i)
    seconds.push_back(load_once(directory, options, kernels, context));
  load.seconds = spread_of(std::move(seconds));
  return load;
}

}  // namespace pare::bench
