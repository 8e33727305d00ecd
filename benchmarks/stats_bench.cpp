// The basic passes over weights, in memory, for each dtype: stats_bench [--benchmark_filter=...]. Bytes per second
// count the weights that are read.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

#include "pare/checkpoint.h"
#include "pare/model.h"
#include "pare/prune.h"
#include "pare/stats.h"

namespace {

constexpr std::size_t kElements = std::size_t{32} << 20;

/// Normally distributed weights with the standard deviation of BERT's matrices.
struct Weights {
  explicit Weights(pare::DType dtype) : bytes(kElements * pare::dtype_bits(dtype) / 8) {
    std::mt19937 random(1);
    std::normal_distribution<float> normal(0, 0.04F);
    for (std::size_t i = 0; i < kElements; ++i) {
      const float value = normal(random);
      std::uint32_t pattern = 0;
      std::memcpy(&pattern, &value, sizeof pattern);
      if (dtype == pare::DType::kF32)
        std::memcpy(bytes.data() + 4 * i, &pattern, 4);
      else
        std::memcpy(bytes.data() + 2 * i, reinterpret_cast<const char*>(&pattern) + 2, 2);  // BF16: cut off
    }
    view.name = "weight";
    view.dtype = dtype;
    view.shape = {kElements};
    view.bytes = bytes;
  }
  std::vector<std::byte> bytes;
  pare::TensorView view;
};

const Weights& weights(std::int64_t bits) {
  static const Weights single(pare::DType::kF32), brain(pare::DType::kBF16);
  return bits == 32 ? single : brain;
}

void finish(benchmark::State& state, const Weights& of) {
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(of.bytes.size()));
}

void scan(benchmark::State& state) {
  const Weights& of = weights(state.range(0));
  pare::ScanOptions options;
  options.cutoffs.assign({0.1, 1, 2, 5});
  options.cutoffs.resize(static_cast<std::size_t>(state.range(1)));
  options.largest = 10;
  for (auto _ : state) benchmark::DoNotOptimize(pare::scan({&of.view, 1}, options));
  finish(state, of);
}
BENCHMARK(scan)->ArgNames({"bits", "cutoffs"})->ArgsProduct({{32, 16}, {1, 4}})->UseRealTime();

void sketch(benchmark::State& state) {
  const Weights& of = weights(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(pare::magnitude_sketch({&of.view, 1}));
  finish(state, of);
}
BENCHMARK(sketch)->ArgName("bits")->Arg(32)->Arg(16)->UseRealTime();

void quantiles(benchmark::State& state) {
  const Weights& of = weights(state.range(0));
  const std::vector<double> p{0.1, 0.5, 0.9, 0.95, 0.99};
  for (auto _ : state) benchmark::DoNotOptimize(pare::magnitude_quantiles({&of.view, 1}, p));
  finish(state, of);
}
BENCHMARK(quantiles)->ArgName("bits")->Arg(32)->Arg(16)->UseRealTime();

void histogram(benchmark::State& state) {
  const Weights& of = weights(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(pare::histogram({&of.view, 1}, pare::Measure::kMagnitude, 0, 5, 50));
  finish(state, of);
}
BENCHMARK(histogram)->ArgName("bits")->Arg(32)->Arg(16)->UseRealTime();

void five_thresholds(benchmark::State& state) {
  const Weights& of = weights(state.range(0));
  pare::Parameter parameter;
  parameter.name = of.view.name;
  parameter.prunable = true;
  const pare::Model model{{}, {}, {}, {}, pare::Checkpoint::from_tensors({of.view}, {}, ".", nullptr), {parameter}, {},
                          {}, {}, {}, {}};
  pare::PruneOptions options;
  for (const char* level : {"10", "50", "90", "95", "99"}) options.levels.push_back(pare::Amount::percent(level));
  for (auto _ : state) benchmark::DoNotOptimize(pare::plan_pruning(model, options));
  finish(state, of);
}
BENCHMARK(five_thresholds)->ArgName("bits")->Arg(32)->Arg(16)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
