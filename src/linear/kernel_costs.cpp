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
      {1, 0.0552, 0.104, 0.986, 0.0112, 0.0321},
      {2, 0.0895, 0.192, 1.18, 0.0104, 0.0392},
      {4, 0.118, 0.365, 1.56, 0.0506, 0.0429},
      {8, 0.138, 0.341, 0, 0, 0},
      {16, 0.198, 0.161, 3.48, 0, 0},
      {32, 0.262, 0.263, 8.24, 0, 0},
      {64, 0.38, 0.501, 12.1, 0, 0},
      {128, 0.621, 1, 15.2, 0, 0},
      {512, 2.12, 4.1, 56.6, 0, 0},
  };
  costs.cached_points = {
      {1, 0.0401, 0.143, 0.552, 0.0008, 0.0621},
      {2, 0.0564, 0.214, 1.46, 0.0007, 0.0765},
      {4, 0.0865, 0.36, 3.26, 0, 0.0813},
      {8, 0.0994, 0.23, 1.65, 0, 0},
  };
  costs.half_points = {
      {1, 0.0199, 0.086, 1.36, 0.0038, 0.0184},
      {2, 0.0224, 0.168, 1.68, 0.0022, 0.0404},
      {4, 0.0328, 0.336, 1.92, 0.0016, 0.0283},
      {8, 0.108, 0.207, 0.874, 0, 0},
      {16, 0.218, 0.128, 3.33, 0, 0},
      {32, 0.281, 0.22, 6.54, 0, 0},
      {64, 0.411, 0.49, 9.55, 0, 0},
      {128, 0.661, 0.994, 14, 0, 0},
      {512, 2.23, 4.08, 54.9, 0, 0},
  };
  costs.cached_half_points = {
      {1, 0.0248, 0.142, 0.57, 0.0003, 0.0334},
      {2, 0.0348, 0.214, 1.46, 0.0003, 0.0775},
      {4, 0.0978, 0.358, 3.2, 0, 0.0651},
      {8, 0.108, 0.206, 1.45, 0, 0},
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
