// Every instruction set of the machine, forced one by one, against a plain loop.
#include "kernels/pick_leading.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <vector>

#include "kernels/targets.h"

namespace pare::kernels {
namespace {

class PickLeadingOnEveryTarget : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { ASSERT_TRUE(force_target(GetParam())); }
  void TearDown() override { force_target(""); }
};
INSTANTIATE_TEST_SUITE_P(Targets, PickLeadingOnEveryTarget, testing::ValuesIn(supported_targets()));

/// Patterns with few different leading bits, both signs, the lowest and the highest bin (NaN) among them.
std::vector<std::uint32_t> patterns(std::size_t n) {
  std::mt19937 random(static_cast<std::uint32_t>(n));
  constexpr std::uint32_t kLeading[] = {0, 1, 0x3c00, 0x3c01, 0x3dcc, 0x7f80, 0x7fff};
  std::vector<std::uint32_t> values(n);
  for (std::uint32_t& value : values)
    value = (random() % 2 << 31) | (kLeading[random() % 7] << 16) | (random() & 0xffff);
  return values;
}

TEST_P(PickLeadingOnEveryTarget, PicksAsAPlainLoop) {
  const std::vector<std::vector<std::uint32_t>> choices = {
      {}, {0}, {0x7fff}, {0x3c01, 0x3dcc}, {0, 1, 0x3c00, 0x7f80, 5}};
  for (const std::vector<std::uint32_t>& bins : choices)
    for (const std::size_t n : {0UL, 1UL, 15UL, 16UL, 63UL, 64UL, 65UL, 127UL, 128UL, 1000UL}) {
      SCOPED_TRACE(testing::Message() << bins.size() << " bins, n " << n);
      const std::vector<std::uint32_t> values = patterns(n);
      std::vector<std::uint32_t> expected;
      for (const std::uint32_t value : values)
        if (std::count(bins.begin(), bins.end(), value >> 16 & 0x7fff) != 0) expected.push_back(value);
      std::vector<std::byte> data(1 + n * 4);  // unaligned
      if (n != 0) std::memcpy(data.data() + 1, values.data(), n * 4);
      std::vector<std::uint32_t> found(n + kPickSlack);
      ASSERT_EQ(pick_leading(data.data() + 1, n, bins, found.data()), expected.size());
      found.resize(expected.size());
      ASSERT_EQ(found, expected);
    }
}

}  // namespace
}  // namespace pare::kernels
