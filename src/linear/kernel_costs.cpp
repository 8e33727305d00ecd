#include <algorithm>

#include "kernels/sparse.h"
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
      {1, 0.108, 0.138, 0.37, 0.040, 0.035}, {2, 0.114, 0.268, 0.26, 0.057, 0.041},
      {4, 0.168, 0.492, 0.70, 0.087, 0.058}, {8, 0.208, 0.494, 0.0, 0, 0},
      {16, 0.447, 0.298, 2.40, 0, 0},        {32, 0.588, 0.423, 7.28, 0, 0},
      {64, 0.869, 0.720, 14.5, 0, 0},        {128, 1.43, 1.45, 22.7, 0, 0},
      {512, 4.88, 6.15, 84, 0, 0},
  };
  costs.cached_points = {
      {1, 0.059, 0.131, 1.03, 0.0, 0.072},
      {2, 0.117, 0.224, 2.20, 0.001, 0.087},
      {4, 0.101, 0.413, 4.52, 0.001, 0.079},
      {8, 0.121, 0.272, 4.35, 0, 0},
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
