// Every instruction set of the machine, forced one by one, against plain loops.
#include "kernels/nonzero.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <vector>

#include "kernels/targets.h"

namespace pare::kernels {
namespace {

class NonzeroOnEveryTarget : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { ASSERT_TRUE(force_target(GetParam())); }
  void TearDown() override { force_target(""); }
};
INSTANTIATE_TEST_SUITE_P(Targets, NonzeroOnEveryTarget, testing::ValuesIn(supported_targets()));

/// n elements of `size` bytes, a given percentage of them 0; the others have at least one bit set.
std::vector<std::byte> some_zeros(std::size_t n, std::size_t size, unsigned percent, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<std::byte> bytes(n * size);
  for (std::size_t i = 0; i < n; ++i)
    if (random() % 100 >= percent) bytes[i * size + random() % size] = static_cast<std::byte>(1U << random() % 8);
  return bytes;
}

TEST_P(NonzeroOnEveryTarget, FindsCompressesAndSpreadsAsAPlainLoop) {
  for (const std::size_t size : {1UL, 2UL, 4UL, 8UL})
    for (const unsigned percent : {0U, 50U, 97U, 100U})
      for (const std::size_t n : {0UL, 1UL, 7UL, 8UL, 9UL, 63UL, 64UL, 65UL, 200UL, 1000UL}) {
        SCOPED_TRACE(testing::Message() << size << " bytes, " << percent << " % zeros, n " << n);
        const std::vector<std::byte> data = some_zeros(n, size, percent, n + percent);
        const auto width = static_cast<Width>(size);
        std::vector<std::uint8_t> expected((n + 7) / 8, 0);
        std::vector<std::byte> nonzeros;
        for (std::size_t i = 0; i < n; ++i) {
          bool any = false;
          for (std::size_t k = 0; k < size; ++k) any |= data[i * size + k] != std::byte{};
          if (!any) continue;
          expected[i / 8] = static_cast<std::uint8_t>(expected[i / 8] | 1U << i % 8);
          nonzeros.insert(nonzeros.end(), data.begin() + static_cast<std::ptrdiff_t>(i * size),
                          data.begin() + static_cast<std::ptrdiff_t>((i + 1) * size));
        }
        std::vector<std::uint8_t> bits((n + 7) / 8, 0xff);
        nonzero_bits(width, data.data(), n, bits.data());
        ASSERT_EQ(bits, expected);
        std::vector<std::byte> values(nonzeros.size() + kCompressSlack);
        ASSERT_EQ(compress(width, data.data(), n, bits.data(), values.data()) * size, nonzeros.size());
        values.resize(nonzeros.size());
        ASSERT_EQ(values, nonzeros);
        std::vector<std::byte> spread(n * size, std::byte{0xee});
        ASSERT_EQ(expand(width, bits.data(), n, values.data(), spread.data()) * size, nonzeros.size());
        ASSERT_EQ(spread, data);
      }
}

}  // namespace
}  // namespace pare::kernels
