// Every instruction set of the machine, forced one by one, against plain loops.
#include "kernels/magnitude.h"

#include <gtest/gtest.h>

#include <bit>
#include <cstring>
#include <random>
#include <vector>

#include "kernels/block_scan.h"
#include "kernels/leading_bits.h"
#include "kernels/moments.h"
#include "kernels/targets.h"

namespace pare::kernels {
namespace {

constexpr Width kWidths[] = {Width::k8, Width::k16, Width::k32, Width::k64};

std::vector<std::byte> random_bytes(std::size_t n, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<std::byte> bytes(n);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random() % 5 == 0 ? 0 : random());
  return bytes;
}

std::uint64_t pattern_at(Width width, const std::byte* data, std::size_t i) {
  std::uint64_t pattern = 0;
  std::memcpy(&pattern, data + i * static_cast<std::size_t>(width), static_cast<std::size_t>(width));
  return pattern;
}

std::uint64_t sign_of(Width width) { return 1ULL << (static_cast<unsigned>(width) * 8 - 1); }

class EveryTarget : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { ASSERT_TRUE(force_target(GetParam())); }
  void TearDown() override { force_target(""); }
};

TEST_P(EveryTarget, IsTheOneInUse) { EXPECT_EQ(current_target(), GetParam()); }

TEST_P(EveryTarget, CountsAsAPlainLoop) {
  for (const Width width : kWidths)
    for (const std::size_t n : {1UL, 2UL, 15UL, 16UL, 63UL, 64UL, 65UL, 1000UL}) {
      const std::vector<std::byte> bytes = random_bytes(n * static_cast<std::size_t>(width), n);
      const std::uint64_t sign = sign_of(width);
      const std::uint64_t cutoff = pattern_at(width, bytes.data(), n / 2) & ~sign;
      KeyRange expected;
      RankCount rank;
      std::uint64_t same = 0;
      for (std::size_t i = 0; i < n; ++i) {
        const std::uint64_t pattern = pattern_at(width, bytes.data(), i), key = pattern & ~sign;
        expected.max_unsigned = std::max(expected.max_unsigned, pattern);
        expected.min_key = std::min(expected.min_key, key);
        if (pattern == key) {
          expected.any_positive = true;
          expected.max_positive = std::max(expected.max_positive, pattern);
        }
        expected.above += key > cutoff;
        expected.inside += pattern < cutoff;
        expected.negative += pattern != key;
        rank.below += key < cutoff;
        rank.equal += key == cutoff;
        same += pattern == cutoff;
      }
      SCOPED_TRACE(testing::Message() << "width " << static_cast<int>(width) << ", n " << n);
      const KeyRange range = key_range(width, bytes.data(), n, cutoff);
      EXPECT_EQ(range.max_unsigned, expected.max_unsigned);
      EXPECT_EQ(range.any_positive, expected.any_positive);
      if (expected.any_positive) {
        EXPECT_EQ(range.max_positive, expected.max_positive);
      }
      EXPECT_EQ(range.min_key, expected.min_key);
      EXPECT_EQ(range.above, expected.above);
      EXPECT_EQ(range.inside, expected.inside);
      EXPECT_EQ(range.negative, expected.negative);
      EXPECT_EQ(count_sides(width, bytes.data(), n, cutoff).above, expected.above);
      EXPECT_EQ(count_sides(width, bytes.data(), n, cutoff).inside, expected.inside);
      EXPECT_EQ(count_rank(width, bytes.data(), n, cutoff).below, rank.below);
      EXPECT_EQ(count_rank(width, bytes.data(), n, cutoff).equal, rank.equal);
      EXPECT_EQ(count_pattern(width, bytes.data(), n, cutoff), same);
    }
}

TEST_P(EveryTarget, CopiesFromAKeyUp) {
  for (const Width width : kWidths)
    for (const std::size_t n : {0UL, 1UL, 17UL, 64UL, 333UL}) {
      const std::vector<std::byte> bytes = random_bytes(n * static_cast<std::size_t>(width), 7 + n);
      const std::uint64_t sign = sign_of(width);
      for (const std::uint64_t cut : {std::uint64_t{0}, std::uint64_t{1}, sign / 3, sign}) {
        std::vector<std::byte> copy(bytes.size(), std::byte{0xee});
        copy_from_key(width, bytes.data(), copy.data(), n, cut);
        for (std::size_t i = 0; i < n; ++i) {
          const std::uint64_t pattern = pattern_at(width, bytes.data(), i);
          EXPECT_EQ(pattern_at(width, copy.data(), i), (pattern & ~sign) >= cut ? pattern : 0);
        }
      }
    }
}

TEST_P(EveryTarget, SumsAreTheSameBitsAsThePortableOnes) {
  std::mt19937_64 random(3);
  std::normal_distribution<double> bell(0.01, 0.3);
  std::vector<double> f64;
  std::vector<float> f32;
  std::vector<std::uint16_t> bf16, f16;
  for (std::size_t i = 0; i < 16 * 61 + 5; ++i) {
    f64.push_back(bell(random));
    f32.push_back(static_cast<float>(bell(random)));
    bf16.push_back(static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(f32.back()) >> 16));
    f16.push_back(static_cast<std::uint16_t>(random() % 0x7c00U + (random() % 2 << 15)));  // subnormals too
  }
  const auto check = [&](FloatType type, const void* data, std::size_t n) {
    MomentLanes forced, portable;
    add_moments(type, static_cast<const std::byte*>(data), n, false, forced);
    force_target("");                                       // supported_targets() lists only the forced one
    ASSERT_TRUE(force_target(supported_targets().back()));  // the plainest
    add_moments(type, static_cast<const std::byte*>(data), n, false, portable);
    ASSERT_TRUE((force_target(""), force_target(GetParam())));
    EXPECT_EQ(forced.total_sum(), portable.total_sum()) << static_cast<int>(type);
    EXPECT_EQ(forced.total_squares(), portable.total_squares()) << static_cast<int>(type);
  };
  check(FloatType::kF64, f64.data(), f64.size());
  check(FloatType::kF32, f32.data(), f32.size());
  check(FloatType::kBF16, bf16.data(), bf16.size());
  check(FloatType::kF16, f16.data(), f16.size());
}

TEST_P(EveryTarget, SumsSkipWhatIsNotFinite) {
  const float infinity = std::numeric_limits<float>::infinity();
  const std::vector<float> values{1.5F, infinity, -2.0F, std::numeric_limits<float>::quiet_NaN(), -infinity, 4.0F};
  MomentLanes lanes;
  add_moments(FloatType::kF32, reinterpret_cast<const std::byte*>(values.data()), values.size(), true, lanes);
  EXPECT_EQ(lanes.total_sum(), 3.5);
  EXPECT_EQ(lanes.total_squares(), 2.25 + 4 + 16);
  MomentLanes scanned;
  const auto* bytes = reinterpret_cast<const std::byte*>(values.data());
  EXPECT_FALSE(scan_block(FloatType::kF32, bytes, values.size(), 0, scanned).finite);
  EXPECT_EQ(scanned.total_sum(), 3.5);
}

TEST_P(EveryTarget, OneSweepFindsWhatTheSeparateOnesDo) {
  constexpr FloatType kTypes[] = {FloatType::kF64, FloatType::kF32, FloatType::kF16, FloatType::kBF16};
  constexpr Width kWidthOf[] = {Width::k64, Width::k32, Width::k16, Width::k16};
  for (const std::size_t t : {0UL, 1UL, 2UL, 3UL})
    for (const std::size_t n : {1UL, 15UL, 16UL, 17UL, 64UL, 1000UL, 4096UL})
      for (const bool finite : {true, false}) {
        const std::size_t size = static_cast<std::size_t>(kWidthOf[t]);
        std::vector<std::byte> bytes = random_bytes(n * size, n + t);
        for (std::size_t i = 0; i < n; ++i) {  // zeros of both signs; without the largest exponents all are finite
          if (i % 7 == 3) std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(i * size), size, std::byte{0});
          if (i % 14 == 3) bytes[(i + 1) * size - 1] = std::byte{0x80};
          if (finite) bytes[(i + 1) * size - 1] &= std::byte{0xbf};
        }
        const std::uint64_t sign = sign_of(kWidthOf[t]);
        const std::uint64_t cutoff = pattern_at(kWidthOf[t], bytes.data(), n / 2) & ~sign;
        SCOPED_TRACE(testing::Message() << "type " << t << ", n " << n);
        MomentLanes expected, found;
        expected.sum[3] = found.sum[3] = 1.25;
        const BlockScan scan = scan_block(kTypes[t], bytes.data(), n, cutoff, found);
        add_moments(kTypes[t], bytes.data(), n, true, expected);
        EXPECT_TRUE(std::equal(found.sum, found.sum + MomentLanes::kLanes, expected.sum));
        EXPECT_TRUE(std::equal(found.squares, found.squares + MomentLanes::kLanes, expected.squares));
        const KeyRange range = key_range(kWidthOf[t], bytes.data(), n, cutoff);
        EXPECT_EQ(scan.range.max_unsigned, range.max_unsigned);
        EXPECT_EQ(scan.range.any_positive, range.any_positive);
        EXPECT_EQ(scan.range.max_positive, range.max_positive);
        EXPECT_EQ(scan.range.min_key, range.min_key);
        EXPECT_EQ(scan.range.above, range.above);
        EXPECT_EQ(scan.range.inside, range.inside);
        EXPECT_EQ(scan.range.negative, range.negative);
        EXPECT_EQ(scan.zeros, count_rank(kWidthOf[t], bytes.data(), n, 1).below);
        EXPECT_EQ(scan.negative_zeros, count_pattern(kWidthOf[t], bytes.data(), n, sign));
        EXPECT_TRUE(scan.finite || !finite);
      }
}

INSTANTIATE_TEST_SUITE_P(Machine, EveryTarget, testing::ValuesIn(supported_targets()),
                         [](const auto& each) { return each.param; });

TEST(LeadingBits, CountsTopSixteenBitsOfEveryWidth) {
  for (const Width width : kWidths) {
    const std::size_t n = 1003;
    const std::vector<std::byte> bytes = random_bytes(n * static_cast<std::size_t>(width), 11);
    std::vector<std::uint32_t> table(2 * kLeadingBins, 0);
    count_leading_bits(width, bytes.data(), n, table.data());
    std::vector<std::uint32_t> expected(kLeadingBins, 0);
    const unsigned bits = static_cast<unsigned>(width) * 8;
    for (std::size_t i = 0; i < n; ++i) ++expected[pattern_at(width, bytes.data(), i) >> (bits > 16 ? bits - 16 : 0)];
    for (std::size_t bin = 0; bin < kLeadingBins; ++bin)
      ASSERT_EQ(table[bin] + table[kLeadingBins + bin], expected[bin]) << "bin " << bin;
  }
}

TEST(LeadingBits, CountsTrailingBitsOfChosenBins) {
  const std::vector<std::uint32_t> patterns{0x3f800001U, 0x3f800001U, 0xbf80ffffU, 0x40000000U, 0x3f810001U};
  std::vector<std::uint8_t> slot_of(kLeadingBins, 0);
  slot_of[0x3f80] = 1;
  slot_of[0xbf80] = 2;
  std::vector<std::uint64_t> tables(2 << 16, 0);
  count_trailing_bits(reinterpret_cast<const std::byte*>(patterns.data()), patterns.size(), slot_of.data(),
                      tables.data());
  EXPECT_EQ(tables[1], 2U);
  EXPECT_EQ(tables[(1 << 16) + 0xffff], 1U);
  std::uint64_t total = 0;
  for (const std::uint64_t count : tables) total += count;
  EXPECT_EQ(total, 3U);
}

}  // namespace
}  // namespace pare::kernels
