// The reference is a stable sort of the magnitudes.
#include "pare/live_tensors.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

#include "pare/error.h"

namespace pare {
namespace {

using Floats = std::vector<float>;

struct Place {
  std::size_t tensor, index;
};

/// Masks of the `count` smallest magnitudes, ties in order, NaN last.
std::vector<Floats> sorted_masks(const std::vector<Floats>& tensors, std::size_t count) {
  std::vector<Place> order;
  std::vector<Floats> masks;
  for (std::size_t t = 0; t < tensors.size(); ++t) {
    for (std::size_t i = 0; i < tensors[t].size(); ++i) order.push_back({t, i});
    masks.emplace_back(tensors[t].size(), 1.0F);
  }
  const auto rank = [&](const Place& place) {
    const float w = std::fabs(tensors[place.tensor][place.index]);
    return std::isnan(w) ? std::pair{1, 0.0F} : std::pair{0, w};
  };
  std::stable_sort(order.begin(), order.end(), [&](const Place& a, const Place& b) { return rank(a) < rank(b); });
  for (std::size_t i = 0; i < count; ++i) masks[order[i].tensor][order[i].index] = 0;
  return masks;
}

std::vector<Floats> some_tensors() {
  std::mt19937 random(7);
  std::normal_distribution<float> normal;
  std::vector<Floats> tensors{Floats(300'000), Floats(1), Floats(0), Floats(1'001)};
  for (Floats& tensor : tensors)
    for (float& w : tensor) w = std::round(normal(random) * 50) / 50;  // many are equal
  tensors[3][5] = std::numeric_limits<float>::quiet_NaN();
  tensors[3][6] = -0.0F;
  tensors[3][7] = std::numeric_limits<float>::infinity();
  return tensors;
}

template <class T>
std::byte* bytes_of(std::vector<T>& values) {
  return reinterpret_cast<std::byte*>(values.data());
}

TEST(LiveTensors, PrunesTheSmallestAndWritesMasks) {
  const std::vector<Floats> original = some_tensors();
  std::size_t total = 0;
  for (const Floats& tensor : original) total += tensor.size();
  for (const std::size_t count : {std::size_t{0}, std::size_t{1}, total / 2, total * 9 / 10, total - 1, total}) {
    const std::vector<Floats> expected = sorted_masks(original, count);
    std::vector<Floats> weights = original, masks = original;
    std::vector<LiveTensor> live;
    for (std::size_t t = 0; t < weights.size(); ++t)
      live.push_back({bytes_of(weights[t]), weights[t].size(), DType::kF32, bytes_of(weights[t]), bytes_of(masks[t])});
    prune_smallest(live, count, Context(2));
    for (std::size_t t = 0; t < weights.size(); ++t) {
      EXPECT_EQ(masks[t], expected[t]) << count << " of " << total << ", tensor " << t;
      for (std::size_t i = 0; i < weights[t].size(); ++i) {
        const float wanted = expected[t][i] == 0 ? 0.0F : original[t][i];
        ASSERT_EQ(std::memcmp(&weights[t][i], &wanted, sizeof wanted), 0) << count << ", tensor " << t << ", " << i;
      }
    }
  }
}

TEST(LiveTensors, LeavesTheWeightsWhereOnlyMasksAreAsked) {
  std::vector<std::uint16_t> weights{0x3F80, 0xBC00, 0x0000, 0x8000}, mask(4, 7);  // BF16: 1, -0.0078125, 0, -0
  const std::vector<std::uint16_t> before = weights;
  const LiveTensor live{bytes_of(weights), 4, DType::kBF16, nullptr, bytes_of(mask)};
  prune_smallest({&live, 1}, 2);
  EXPECT_EQ(weights, before);
  EXPECT_EQ(mask, (std::vector<std::uint16_t>{0x3F80, 0x3F80, 0, 0}));
  prune_smallest({&live, 1}, 3);
  EXPECT_EQ(mask, (std::vector<std::uint16_t>{0x3F80, 0, 0, 0}));
}

TEST(LiveTensors, ComparesTypesWithEachOther) {
  Floats single{0.25F, 4};
  std::vector<std::uint16_t> half{0x3800, 0x3000};  // F16: 0.5, 0.125
  std::vector<double> wide{0.2, 3};
  const std::vector<LiveTensor> live{{bytes_of(single), 2, DType::kF32, bytes_of(single)},
                                     {bytes_of(half), 2, DType::kF16, bytes_of(half)},
                                     {bytes_of(wide), 2, DType::kF64, bytes_of(wide)}};
  prune_smallest(live, 3);
  EXPECT_EQ(single, (Floats{0, 4}));
  EXPECT_EQ(half, (std::vector<std::uint16_t>{0x3800, 0}));
  EXPECT_EQ(wide, (std::vector<double>{0, 3}));
}

TEST(LiveTensors, RefusesWhatItCannotPrune) {
  Floats weights{1, 2};
  LiveTensor live{bytes_of(weights), 2, DType::kF32, bytes_of(weights)};
  EXPECT_THROW(prune_smallest({&live, 1}, 3), Error);
  live.dtype = DType::kI32;
  EXPECT_THROW(prune_smallest({&live, 1}, 1), Error);
  live.dtype = DType::kF32;
  const Context stopped;
  stopped.stop();
  EXPECT_THROW(prune_smallest({&live, 1}, 1, stopped), Interrupted);
  EXPECT_EQ(weights, (Floats{1, 2}));
}

}  // namespace
}  // namespace pare
