#include <algorithm>

#include "kernels/sparse/sparse.h"
#include "kernels/targets.h"
#include "pare/tune.h"

namespace pare {
namespace {

/// A sparse kernel is chosen only if its time is below this share of the dense kernel's.
constexpr double kWorthwhile = 0.9;

double time_at(const KernelCost& cost, Kernel kernel, double weights, double edge, double nonzeros) {
  switch (kernel) {
    case Kernel::kDense:
      return cost.dense_weight * weights;
    case Kernel::kSliced:
      return cost.sliced_nonzero * nonzeros + cost.sliced_edge * edge;
    case Kernel::kMasked:
      break;
  }
  return cost.masked_nonzero * nonzeros + cost.masked_weight * weights;
}

}  // namespace

KernelCosts standard_kernel_costs() {
  KernelCosts costs;
  costs.target = kernels::current_target();
  costs.threads = 2;
  costs.points = {
      // tokens, dense, sliced: nonzero, edge, masked: nonzero, weight
      {1, 0.0522, 0.102, 1.2, 0.0106, 0.0323}, {2, 0.0893, 0.189, 1.37, 0.0165, 0.0345},
      {4, 0.102, 0.361, 1.72, 0.0439, 0.0432}, {8, 0.134, 0.166, 3.16, 0, 0},
      {16, 0.188, 0.16, 3.23, 0, 0},           {32, 0.248, 0.265, 8.27, 0, 0},
      {64, 0.404, 0.405, 13.5, 0, 0},          {128, 0.61, 0.804, 23.3, 0, 0},
      {512, 2.07, 3.27, 75.9, 0, 0},
  };
  costs.cached_points = {
      {1, 0.0472, 0.156, 0.794, 0.0009, 0.0622},
      {2, 0.0618, 0.225, 1.86, 0.0008, 0.0685},
      {4, 0.0899, 0.374, 1.65, 0.0007, 0.0834},
      {8, 0.108, 0.246, 0.984, 0, 0},
  };
  costs.half_points = {
      {1, 0.0195, 0.0833, 1.59, 0.0032, 0.0155},
      {2, 0.0218, 0.167, 1.88, 0.0011, 0.0211},
      {4, 0.0358, 0.333, 2.27, 0.0011, 0.0236},
      {8, 0.0984, 0.13, 3.35, 0, 0},
      {16, 0.211, 0.128, 3.56, 0, 0},
      {32, 0.275, 0.217, 7.88, 0, 0},
      {64, 0.403, 0.366, 13.4, 0, 0},
      {128, 0.754, 0.75, 21.9, 0, 0},
      {512, 2.19, 3.02, 74.1, 0, 0},
  };
  costs.cached_half_points = {
      {1, 0.0297, 0.155, 0.938, 0.0003, 0.0274},
      {2, 0.0395, 0.226, 1.88, 0.0003, 0.0382},
      {4, 0.0948, 0.369, 3.64, 0.0014, 0.0567},
      {8, 0.119, 0.222, 1.35, 0, 0},
  };
  return costs;
}

std::string_view kernel_name(Kernel kernel) noexcept {
  return kernel == Kernel::kDense ? "dense" : kernel == Kernel::kSliced ? "sliced" : "masked";
}

double KernelCosts::nanoseconds(Kernel kernel, std::size_t tokens, std::size_t in, std::size_t out,
                                std::size_t nonzeros, bool cached, std::size_t weight_bytes) const {
  const auto weights = static_cast<double>(in) * static_cast<double>(out);
  const auto edge = static_cast<double>(in + out), kept = static_cast<double>(nonzeros),
             count = static_cast<double>(tokens);
  const auto at = [&](const KernelCost& cost) { return time_at(cost, kernel, weights, edge, kept); };
  const bool half = weight_bytes == 2 && !half_points.empty();
  const std::vector<KernelCost>&large = half ? half_points : points, &small = half ? cached_half_points : cached_points;
  const bool few = cached && !small.empty() && tokens <= small.back().tokens;
  const std::vector<KernelCost>& known = few ? small : large;
  const auto next = std::find_if(known.begin(), known.end(), [&](const auto& p) { return p.tokens >= tokens; });
  if (next == known.end()) return at(known.back()) * count / static_cast<double>(known.back().tokens);
  if (next == known.begin() || next->tokens == tokens) return at(*next);
  const KernelCost& before = *(next - 1);
  const double share = (count - static_cast<double>(before.tokens)) / static_cast<double>(next->tokens - before.tokens);
  return at(before) + share * (at(*next) - at(before));
}

Kernel KernelCosts::choose(std::size_t tokens, std::size_t in, std::size_t out, std::size_t nonzeros, bool cached,
                           std::size_t weight_bytes) const {
  if (points.empty()) return Kernel::kDense;
  const auto time_of = [&](Kernel kernel) {
    return nanoseconds(kernel, tokens, in, out, nonzeros, cached, weight_bytes);
  };
  Kernel best = Kernel::kSliced;
  double time = time_of(best);
  if (tokens <= kernels::kMaskedRows)
    if (const double masked = time_of(Kernel::kMasked); masked < time) {
      best = Kernel::kMasked;
      time = masked;
    }
  return time < kWorthwhile * time_of(Kernel::kDense) ? best : Kernel::kDense;
}

}  // namespace pare
