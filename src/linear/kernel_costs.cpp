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
      {1, 0.0719, 0.124, 0, 0.0387, 0.0268}, {2, 0.105, 0.214, 0, 0.0419, 0.0293}, {4, 0.128, 0.382, 0, 0.0778, 0.0356},
      {8, 0.16, 0.163, 2.07, 0, 0},          {16, 0.188, 0.159, 2.24, 0, 0},       {32, 0.248, 0.263, 6.09, 0, 0},
      {64, 0.369, 0.415, 10.6, 0, 0},        {128, 0.604, 0.824, 17.2, 0, 0},      {512, 2.07, 3.3, 63.9, 0, 0},
  };
  costs.cached_points = {
      {1, 0.0289, 0.0832, 1.44, 0.0008, 0.0383},
      {2, 0.0374, 0.166, 1.57, 0.0006, 0.0416},
      {4, 0.0491, 0.333, 1.86, 0.0004, 0.0517},
      {8, 0.0702, 0.159, 1.87, 0, 0},
  };
  costs.half_points = {
      {1, 0.0372, 0.0891, 0.627, 0.0332, 0.0092},
      {2, 0.0384, 0.17, 1.38, 0.0282, 0.0127},
      {4, 0.0524, 0.331, 2.25, 0.0186, 0.019},
      {8, 0.116, 0.136, 2.61, 0, 0},
      {16, 0.206, 0.129, 2.1, 0, 0},
      {32, 0.272, 0.219, 4.59, 0, 0},
      {64, 0.397, 0.37, 10.7, 0, 0},
      {128, 0.652, 0.739, 18.3, 0, 0},
      {512, 2.17, 3, 68.1, 0, 0},
  };
  costs.cached_half_points = {
      {1, 0.0266, 0.083, 1.44, 0.0015, 0.0193},
      {2, 0.0319, 0.166, 1.63, 0.0017, 0.0226},
      {4, 0.0473, 0.332, 1.96, 0.0019, 0.0285},
      {8, 0.082, 0.132, 2.04, 0, 0},
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
