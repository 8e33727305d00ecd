#include <algorithm>

#include "kernels/sparse.h"
#include "kernels/targets.h"
#include "pare/tune.h"

namespace pare {
namespace {

/// Of a product with fewer nonzeros than this share of the weights a sparse kernel must save.
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
      {1, 0.163, 0.313, 0.0, 0.109, 0.067}, {2, 0.198, 0.936, 2.34, 0.173, 0.076}, {4, 0.296, 0.920, 0.0, 0.236, 0.110},
      {8, 0.368, 0.938, 1.00, 0, 0},        {16, 0.905, 0.560, 3.24, 0, 0},        {32, 1.19, 1.099, 5.95, 0, 0},
      {64, 1.78, 1.764, 39.3, 0, 0},        {128, 3.15, 4.26, 41.9, 0, 0},         {512, 14.2, 12.7, 322, 0, 0},
  };
  return costs;
}

std::string_view kernel_name(Kernel kernel) noexcept {
  return kernel == Kernel::kDense ? "dense" : kernel == Kernel::kSliced ? "sliced" : "masked";
}

double KernelCosts::nanoseconds(Kernel kernel, std::size_t tokens, std::size_t in, std::size_t out,
                                std::size_t nonzeros, bool cached) const {
  const auto weights = static_cast<double>(in) * static_cast<double>(out);
  const auto edge = static_cast<double>(in + out), kept = static_cast<double>(nonzeros),
             count = static_cast<double>(tokens);
  const auto at = [&](const KernelCost& cost) { return time_at(cost, kernel, weights, edge, kept); };
  const bool few = cached && !cached_points.empty() && tokens <= cached_points.back().tokens;
  const std::vector<KernelCost>& known = few ? cached_points : points;
  const auto next = std::find_if(known.begin(), known.end(), [&](const auto& p) { return p.tokens >= tokens; });
  if (next == known.end()) return at(known.back()) * count / static_cast<double>(known.back().tokens);
  if (next == known.begin() || next->tokens == tokens) return at(*next);
  const KernelCost& before = *(next - 1);
  const double share = (count - static_cast<double>(before.tokens)) / static_cast<double>(next->tokens - before.tokens);
  return at(before) + share * (at(*next) - at(before));
}

Kernel KernelCosts::choose(std::size_t tokens, std::size_t in, std::size_t out, std::size_t nonzeros,
                           bool cached) const {
  if (points.empty()) return Kernel::kDense;
  const auto time_of = [&](Kernel kernel) { return nanoseconds(kernel, tokens, in, out, nonzeros, cached); };
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
