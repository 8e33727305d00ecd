#include "run/position_bias.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace pare::run {
namespace {

/// The bucket of a key at distance `offset`, as T5Attention._relative_position_bucket: half of the buckets one by one,
/// the rest ever wider.
std::size_t bucket_of(long offset, bool bidirectional, std::size_t buckets, std::size_t furthest) {
  std::size_t first = 0;
  if (bidirectional) {
    buckets /= 2;
    if (offset > 0) first = buckets;
    offset = std::abs(offset);
  } else {
    offset = std::max(0L, -offset);
  }
  const std::size_t exact = buckets / 2, distance = static_cast<std::size_t>(offset);
  if (distance < exact) return first + distance;
  // In F32 and in this order, as PyTorch computes it.
  const float ratio = std::log(static_cast<float>(distance) / static_cast<float>(exact)) /
                      static_cast<float>(std::log(static_cast<double>(furthest) / static_cast<double>(exact)));
  const auto wide = exact + static_cast<std::size_t>(ratio * static_cast<float>(buckets - exact));
  return first + std::min(wide, buckets - 1);
}

ScoreBiases zero_biases(std::size_t heads, std::size_t longest) {
  return {std::vector<std::vector<float>>(heads, std::vector<float>(2 * longest - 1)), longest - 1};
}

/// Slopes of `heads` heads: powers of 2^(-8/n) for the largest power of two n, then every other power of 2^(-4/n).
std::vector<float> alibi_slopes(std::size_t heads) {
  std::size_t power = 1;
  while (2 * power <= heads) power *= 2;
  std::vector<float> slopes;
  const auto base = static_cast<float>(std::pow(2.0, -8.0 / static_cast<double>(power)));
  for (std::size_t i = 1; i <= power; ++i) slopes.push_back(std::pow(base, static_cast<float>(i)));
  const auto between = static_cast<float>(std::pow(2.0, -4.0 / static_cast<double>(power)));
  for (std::size_t i = 1; slopes.size() < heads; i += 2) slopes.push_back(std::pow(between, static_cast<float>(i)));
  return slopes;
}

}  // namespace

ScoreBiases bucket_biases(const float* table, std::size_t buckets, std::size_t heads, std::size_t furthest,
                          bool bidirectional, std::size_t longest) {
  ScoreBiases biases = zero_biases(heads, longest);
  for (std::size_t at = 0; at < 2 * longest - 1; ++at) {
    const long offset = static_cast<long>(at) - static_cast<long>(biases.center);
    const std::size_t bucket = bucket_of(offset, bidirectional, buckets, furthest);
    for (std::size_t head = 0; head < heads; ++head) biases.by_head[head][at] = table[bucket * heads + head];
  }
  return biases;
}

ScoreBiases alibi_biases(std::size_t heads, std::size_t longest) {
  ScoreBiases biases = zero_biases(heads, longest);
  const std::vector<float> slopes = alibi_slopes(heads);
  for (std::size_t head = 0; head < heads; ++head)
    for (std::size_t at = 0; at <= biases.center; ++at)
      biases.by_head[head][at] = -slopes[head] * static_cast<float>(biases.center - at);
  return biases;
}

}  // namespace pare::run
