// Times the kernels on layers of one shape, at two sparsities, for some numbers of tokens.
#include <algorithm>
#include <array>
#include <chrono>
#include <limits>

#include "base/parallel.h"
#include "infer/linear.h"
#include "kernels/targets.h"
#include "pare/error.h"
#include "pare/tune.h"

namespace pare {
namespace {

using infer::LayerWeights;
using infer::Linear;
using infer::MaskedMatrix;
using infer::SlicedMatrix;

constexpr std::size_t kSide = 1024;      // of the square weight matrices
constexpr std::size_t kMatrices = 24;    // together larger than a cache, as a model is
constexpr std::size_t kManyTokens = 16;  // from here on few matrices do: arithmetic counts, not the memory
constexpr std::size_t kManyMatrices = 2;
constexpr std::array kZeros{0.5, 0.95};  // shares that a straight line is laid through
constexpr std::array<std::size_t, 9> kTokens{1, 2, 4, 8, 16, 32, 64, 128, 512};

/// Weights of which about `zeros` are 0, the same every time.
std::vector<float> draw(double zeros, std::uint32_t seed) {
  std::vector<float> weights(kSide * kSide);
  std::uint32_t state = seed * 2654435761U + 1;
  for (float& weight : weights) {
    state = state * 1664525U + 1013904223U;
    const double uniform = static_cast<double>(state >> 8) / static_cast<double>(1U << 24);
    weight = uniform < zeros ? 0.0F : static_cast<float>(uniform);
  }
  return weights;
}

struct Layers {
  Layers(double zeros, unsigned threads) {
    for (std::size_t i = 0; i < kMatrices; ++i) {
      dense.push_back(draw(zeros, static_cast<std::uint32_t>(i)));
      const LayerWeights weights{dense.back().data(), kSide, kSide, true};
      const std::size_t count = infer::count_nonzeros(weights, threads);
      nonzeros += static_cast<double>(count) / kMatrices;
      few.emplace_back(weights, infer::block_inputs(weights, count, 1), threads);
      if (i < kManyMatrices) many.emplace_back(weights, infer::block_inputs(weights, count, kTokens.back()), threads);
      masked.emplace_back(weights, threads);
    }
  }
  std::vector<std::vector<float>> dense;
  std::vector<SlicedMatrix> few, many;  ///< in the blocks for few tokens and for many
  std::vector<MaskedMatrix> masked;
  double nonzeros = 0;
};

/// Nanoseconds of call(i), gone through for i < count; the best of some rounds.
template <class F>
double nanoseconds_of(std::size_t count, F call) {
  using Clock = std::chrono::steady_clock;
  double best = std::numeric_limits<double>::max();
  const auto begin = Clock::now();
  for (int round = 0; round < 3 || (round < 20 && Clock::now() - begin < std::chrono::milliseconds(60)); ++round) {
    if (stop_requested()) throw Interrupted();
    const auto start = Clock::now();
    for (std::size_t i = 0; i < count; ++i) call(i);
    best = std::min(best, std::chrono::duration<double, std::nano>(Clock::now() - start).count());
  }
  return best / static_cast<double>(count);
}

struct Line {
  double slope, constant;
};
/// Through (x0, y0) and (x1, y1), with neither part below 0.
Line line_through(double x0, double y0, double x1, double y1) {
  const double slope = std::max(0.0, (y1 - y0) / (x1 - x0));
  return slope == 0 ? Line{y1 / x1, 0} : Line{slope, std::max(0.0, y0 - slope * x0)};
}

KernelCost measure(std::size_t tokens, const Layers& half, const Layers& few, unsigned threads) {
  Matrix x(tokens, kSide), y(tokens, kSide);
  std::fill(x.values.begin(), x.values.end(), 0.5F);
  const std::size_t count = tokens < kManyTokens ? kMatrices : kManyMatrices;
  KernelCost cost;
  cost.tokens = tokens;
  constexpr double kWeights = kSide * kSide, kEdge = 2 * kSide;
  cost.dense_weight =
      nanoseconds_of(count,
                     [&](std::size_t i) {
                       infer::apply(Linear{half.dense[i].data(), nullptr, kSide, kSide, true, nullptr}, x, threads);
                     }) /
      kWeights;
  const auto sliced = [&](const Layers& layers) {
    const std::vector<SlicedMatrix>& matrices = tokens > kManyTokens ? layers.many : layers.few;
    return nanoseconds_of(count, [&](std::size_t i) { matrices[i].multiply(x, nullptr, y, threads); });
  };
  const Line of_sliced = line_through(few.nonzeros, sliced(few), half.nonzeros, sliced(half));
  cost.sliced_nonzero = of_sliced.slope;
  cost.sliced_edge = of_sliced.constant / kEdge;
  if (tokens > kernels::kMaskedRows) return cost;
  const auto masked = [&](const Layers& layers) {
    return nanoseconds_of(count, [&](std::size_t i) { layers.masked[i].multiply(x, nullptr, y, threads); });
  };
  const Line of_masked = line_through(few.nonzeros, masked(few), half.nonzeros, masked(half));
  cost.masked_nonzero = of_masked.slope;
  cost.masked_weight = of_masked.constant / kWeights;
  return cost;
}

}  // namespace

KernelCosts measure_kernel_costs(unsigned threads, const std::function<void(double)>& progress) {
  KernelCosts costs;
  costs.target = kernels::current_target();
  costs.threads = base::thread_count(threads);
  costs.measured = true;
  const Layers half(kZeros[0], threads), few(kZeros[1], threads);
  for (const std::size_t tokens : kTokens) {
    costs.points.push_back(measure(tokens, half, few, threads));
    if (progress) progress(static_cast<double>(costs.points.size()) / kTokens.size());
  }
  return costs;
}

}  // namespace pare
