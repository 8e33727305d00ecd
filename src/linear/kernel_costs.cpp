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
      {1, 0.0532, 0.111, 0.82, 0.0143, 0.0326},
      {2, 0.108, 0.2, 0.97, 0.0197, 0.0348},
      {4, 0.132, 0.385, 1.23, 0.0751, 0.042},
      {8, 0.153, 0.381, 0, 0, 0},
      {16, 0.2, 0.163, 3.88, 0, 0},
      {32, 0.267, 0.268, 8.39, 0, 0},
      {64, 0.385, 0.51, 12.2, 0, 0},
      {128, 0.672, 1.08, 14.3, 0, 0},
      {512, 2.29, 4.47, 50.4, 0, 0},
  };
  costs.cached_points = {
      {1, 0.0395, 0.143, 0.63, 0.0002, 0.0657},
      {2, 0.0576, 0.219, 1.52, 0.0005, 0.0709},
      {4, 0.101, 0.373, 3.4, 0, 0.0825},
      {8, 0.101, 0.235, 1.77, 0, 0},
  };
  costs.half_points = {
      {1, 0.022, 0.0903, 1.28, 0.0019, 0.04},
      {2, 0.0251, 0.177, 1.56, 0.0016, 0.0446},
      {4, 0.0517, 0.352, 2.03, 0.0049, 0.0535},
      {8, 0.117, 0.277, 0, 0, 0},
      {16, 0.221, 0.132, 3.9, 0, 0},
      {32, 0.293, 0.226, 7, 0, 0},
      {64, 0.423, 0.507, 9.13, 0, 0},
      {128, 0.682, 1.02, 13.7, 0, 0},
      {512, 2.37, 4.24, 57.8, 0, 0},
  };
  costs.cached_half_points = {
      {1, 0.0239, 0.147, 0.602, 0, 0.0788},
      {2, 0.0368, 0.221, 1.55, 0, 0.0888},
      {4, 0.103, 0.372, 3.35, 0, 0.0871},
      {8, 0.114, 0.21, 1.61, 0, 0},
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
