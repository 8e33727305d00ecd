// Times the kernels on layers of one shape, at two sparsities, for some numbers of tokens.
#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstring>
#include <limits>

#include "base/parallel.h"
#include "kernels/targets.h"
#include "linear/linear.h"
#include "pare/error.h"
#include "pare/tune.h"

namespace pare {
namespace {

using linear::FloatType;
using linear::LayerWeights;
using linear::Linear;
using linear::MaskedMatrix;
using linear::SlicedMatrix;

constexpr std::size_t kSide = 1024;                          // rows and columns of the weight matrices
constexpr std::size_t kLargeBytes = std::size_t{128} << 20;  // of weights: more than a cache holds, as in a model
constexpr std::size_t kSmallSide = 256;                      // the same for a small model
constexpr std::size_t kSmallMatrices = 4;                    // together in a cache
constexpr std::size_t kManyTokens = 16;                      // from here on, few matrices suffice: arithmetic dominates
constexpr std::size_t kManyMatrices = 2;
constexpr std::size_t kFewTokens = 8;  // up to here it matters whether weights are in a cache
/// The sparsities through which a straight line is fitted: between them the choice is open, and the time of kMasked
/// rises faster with the number of nonzeros once reading them takes longer than placing them.
constexpr std::array kZeros{0.3, 0.9};
constexpr std::array<std::size_t, 9> kTokens{1, 2, 4, 8, 16, 32, 64, 128, 512};

/// Weights of F32 or BF16, of which a share of about `zeros` is 0, the same in every run.
std::vector<std::byte> draw(FloatType type, std::size_t size, double zeros, std::uint32_t seed) {
  const std::size_t bytes = kernels::weight_bytes(type);
  std::vector<std::byte> weights(size * bytes);
  std::uint32_t state = seed * 2654435761U + 1;
  for (std::size_t i = 0; i < size; ++i) {
    state = state * 1664525U + 1013904223U;
    const double uniform = static_cast<double>(state >> 8) / static_cast<double>(1U << 24);
    const auto bits = std::bit_cast<std::uint32_t>(uniform < zeros ? 0.0F : static_cast<float>(uniform));
    const auto top = static_cast<std::uint16_t>(bits >> 16);
    if (type == FloatType::kF32)
      std::memcpy(weights.data() + i * bytes, &bits, sizeof bits);
    else
      std::memcpy(weights.data() + i * bytes, &top, sizeof top);
  }
  return weights;
}

struct Layers {
  Layers(FloatType type, double zeros, std::size_t each_side, std::size_t matrices, const Context& context)
      : side(each_side) {
    for (std::size_t i = 0; i < matrices; ++i) {
      values.push_back(draw(type, side * side, zeros, static_cast<std::uint32_t>(i)));
      dense.push_back({{values.back().data(), type, side, side}});
      const LayerWeights& weights = dense.back();
      const std::size_t count = linear::count_nonzeros(weights, context);
      nonzeros += static_cast<double>(count) / static_cast<double>(matrices);
      few.emplace_back(weights, linear::block_inputs(weights, count, 1), memory, context);
      if (i < kManyMatrices)
        many.emplace_back(weights, linear::block_inputs(weights, count, kTokens.back()), memory, context);
      masked.emplace_back(weights, memory, context);
    }
  }
  std::size_t side;
  std::vector<std::vector<std::byte>> values;
  std::vector<LayerWeights> dense;
  linear::LayoutMemory memory;
  std::vector<SlicedMatrix> few, many;  ///< with blocks for few tokens and for many
  std::vector<MaskedMatrix> masked;
  double nonzeros = 0;
};

/// Nanoseconds of call(i), averaged over i < count; the fastest of several rounds.
template <class F>
double nanoseconds_of(std::size_t count, const Context& context, F call) {
  using Clock = std::chrono::steady_clock;
  double best = std::numeric_limits<double>::max();
  const auto begin = Clock::now();
  for (int round = 0; round < 3 || (round < 20 && Clock::now() - begin < std::chrono::milliseconds(60)); ++round) {
    context.check();
    const auto start = Clock::now();
    for (std::size_t i = 0; i < count; ++i) call(i);
    best = std::min(best, std::chrono::duration<double, std::nano>(Clock::now() - start).count());
  }
  return best / static_cast<double>(count);
}

struct Line {
  double slope, constant;
};
/// The line through (x0, y0) and (x1, y1), with no coefficient below 0.
Line line_through(double x0, double y0, double x1, double y1) {
  const double slope = (y1 - y0) / (x1 - x0), constant = y0 - slope * x0;
  if (slope <= 0) return {0, (y0 + y1) / 2};
  return constant < 0 ? Line{y1 / x1, 0} : Line{slope, constant};
}

KernelCost measure(std::size_t tokens, const Layers& more, const Layers& few, const Context& context) {
  const std::size_t side = more.side;
  Matrix x(tokens, side), y(tokens, side);
  std::fill(x.values.begin(), x.values.end(), 0.5F);
  const std::size_t count = tokens < kManyTokens ? more.dense.size() : kManyMatrices;
  KernelCost cost;
  cost.tokens = tokens;
  const double weights = static_cast<double>(side) * static_cast<double>(side), edge = 2.0 * static_cast<double>(side);
  cost.dense_weight =
      nanoseconds_of(count, context, [&](std::size_t i) { linear::apply(Linear(more.dense[i]), x, context); }) /
      weights;
  const auto sliced = [&](const Layers& layers) {
    const std::vector<SlicedMatrix>& matrices = tokens > kManyTokens ? layers.many : layers.few;
    return nanoseconds_of(count, context, [&](std::size_t i) { matrices[i].multiply(x, nullptr, y, context); });
  };
  const Line of_sliced = line_through(few.nonzeros, sliced(few), more.nonzeros, sliced(more));
  cost.sliced_nonzero = of_sliced.slope;
  cost.sliced_edge = of_sliced.constant / edge;
  if (tokens > kernels::kMaskedRows) return cost;
  const auto masked = [&](const Layers& layers) {
    return nanoseconds_of(count, context, [&](std::size_t i) { layers.masked[i].multiply(x, nullptr, y, context); });
  };
  const Line of_masked = line_through(few.nonzeros, masked(few), more.nonzeros, masked(more));
  cost.masked_nonzero = of_masked.slope;
  cost.masked_weight = of_masked.constant / weights;
  return cost;
}

}  // namespace

KernelCosts measure_kernel_costs(const Context& context) {
  KernelCosts costs;
  costs.target = kernels::current_target();
  costs.threads = base::thread_count(context);
  costs.measured = true;
  const auto points = [&](FloatType type, std::size_t side, std::size_t matrices, std::size_t most_tokens,
                          double before, double share) {
    const Layers more(type, kZeros[0], side, matrices, context), few(type, kZeros[1], side, matrices, context);
    std::vector<KernelCost> measured;
    for (const std::size_t tokens : kTokens) {
      if (tokens > most_tokens) break;
      // As in a forward pass, where one product follows another.
      base::with_team(context, [&] { measured.push_back(measure(tokens, more, few, context)); });
      context.report(before + share * static_cast<double>(measured.size()) / kTokens.size(), "timing kernels");
    }
    return measured;
  };
  const auto large = [](FloatType type) { return kLargeBytes / (kSide * kSide * kernels::weight_bytes(type)); };
  costs.points = points(FloatType::kF32, kSide, large(FloatType::kF32), kTokens.back(), 0, 0.45);
  costs.cached_points = points(FloatType::kF32, kSmallSide, kSmallMatrices, kFewTokens, 0.45, 0.1);
  costs.half_points = points(FloatType::kBF16, kSide, large(FloatType::kBF16), kTokens.back(), 0.5, 0.45);
  costs.cached_half_points = points(FloatType::kBF16, kSmallSide, kSmallMatrices, kFewTokens, 0.95, 0.1);
  context.report(1, "timing kernels");
  return costs;
}

}  // namespace pare
