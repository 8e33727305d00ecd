// Bytes with a scale, and roundings to BF16, on every instruction set against plain arithmetic.
#include "kernels/quants/scaled_bytes.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "kernels/targets.h"

namespace pare::kernels {
namespace {

class EveryTargetOfBytes : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { ASSERT_TRUE(force_target(GetParam())); }
  void TearDown() override { force_target(""); }
};

/// The value by its definition: sign, exponent, mantissa.
float value_of(ByteType type, unsigned bits) {
  if (type == ByteType::kI8) return static_cast<float>(static_cast<std::int8_t>(bits));
  const int mantissa_bits = type == ByteType::kE4M3 ? 3 : 2, bias = type == ByteType::kE4M3 ? 7 : 15;
  const int exponent = static_cast<int>(bits & 0x7f) >> mantissa_bits;
  const int mantissa = static_cast<int>(bits) & ((1 << mantissa_bits) - 1);
  float value = exponent == 0
                    ? std::ldexp(static_cast<float>(mantissa), 1 - bias - mantissa_bits)
                    : std::ldexp(static_cast<float>(mantissa + (1 << mantissa_bits)), exponent - bias - mantissa_bits);
  if (type == ByteType::kE4M3 && (bits & 0x7f) == 0x7f) value = std::numeric_limits<float>::quiet_NaN();
  if (type == ByteType::kE5M2 && exponent == 31)
    value = mantissa == 0 ? std::numeric_limits<float>::infinity() : std::numeric_limits<float>::quiet_NaN();
  return bits >= 0x80 ? -value : value;
}

TEST_P(EveryTargetOfBytes, HaveTheirValues) {
  std::vector<std::byte> bytes;
  for (unsigned bits = 0; bits < 256 + 9; ++bits) bytes.push_back(static_cast<std::byte>(bits * 7));
  for (const ByteType type : {ByteType::kE4M3, ByteType::kE5M2, ByteType::kI8})
    for (const ByteScale& by : {ByteScale{}, ByteScale{0, 0.00123F, 1}, ByteScale{-7, 0.3F, 0.1F}}) {
      std::vector<float> out(bytes.size());
      scale_bytes(type, bytes.data(), bytes.size(), by, out.data());
      for (std::size_t i = 0; i < bytes.size(); ++i) {
        const float expected = (value_of(type, static_cast<unsigned>(bytes[i])) - by.zero) * by.scale * by.factor;
        EXPECT_TRUE(std::isnan(expected)
                        ? std::isnan(out[i])
                        : std::bit_cast<std::uint32_t>(expected) == std::bit_cast<std::uint32_t>(out[i]))
            << i << ": " << expected << " " << out[i];
      }
    }
}

TEST_P(EveryTargetOfBytes, WithoutNanAreTheSame) {
  for (const ByteType type : {ByteType::kE4M3, ByteType::kE5M2, ByteType::kI8})
    for (const ByteScale& by : {ByteScale{0, 0.00123F, 1}, ByteScale{0, -1e-39F, 1}, ByteScale{0, 3e38F, 1},
                                ByteScale{5, 0.7F, 1}, ByteScale{0, std::numeric_limits<float>::infinity(), 1}})
      for (const bool with_nan : {false, true}) {
        std::vector<std::byte> bytes;
        for (unsigned bits = 0; bits < 700; ++bits)
          if (with_nan || !std::isnan(value_of(type, bits & 0xff))) bytes.push_back(static_cast<std::byte>(bits));
        std::vector<float> out(bytes.size());
        std::vector<std::byte> halves(2 * bytes.size() + 1), expected_halves(2 * bytes.size());
        scale_bytes(type, bytes.data(), bytes.size(), by, out.data());
        scale_bytes_to_bf16(type, bytes.data(), bytes.size(), by, halves.data() + 1);
        to_bf16(out.data(), out.size(), expected_halves.data());
        EXPECT_TRUE(std::equal(expected_halves.begin(), expected_halves.end(), halves.begin() + 1));
        for (std::size_t i = 0; i < bytes.size(); ++i) {
          const float expected = (value_of(type, static_cast<unsigned>(bytes[i])) - by.zero) * by.scale;
          EXPECT_TRUE(std::isnan(expected)
                          ? std::isnan(out[i])
                          : std::bit_cast<std::uint32_t>(expected) == std::bit_cast<std::uint32_t>(out[i]))
              << i << ": " << expected << " " << out[i];
        }
      }
}

TEST_P(EveryTargetOfBytes, RoundToTheNearestEvenBf16) {
  // The upper half of a pattern, its lower half, and the rounded upper half.
  constexpr std::uint32_t kCases[][3] = {{0x3f80, 0x7fff, 0x3f80}, {0x3f80, 0x8000, 0x3f80}, {0x3f81, 0x8000, 0x3f82},
                                         {0xbf80, 0x8001, 0xbf81}, {0x7f7f, 0xffff, 0x7f80}, {0xff80, 0x0000, 0xff80},
                                         {0x7f80, 0x0001, 0x7fc0}, {0xffff, 0xffff, 0xffff}, {0x0000, 0x8000, 0x0000},
                                         {0x8000, 0x8001, 0x8001}};
  std::vector<float> values;
  for (int round = 0; round < 5; ++round)
    for (const auto& one : kCases) values.push_back(std::bit_cast<float>(one[0] << 16 | one[1]));
  std::vector<std::byte> out(2 * values.size() + 1);
  to_bf16(values.data(), values.size(), out.data() + 1);
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::uint16_t half;
    std::memcpy(&half, out.data() + 1 + 2 * i, sizeof half);
    EXPECT_EQ(half, kCases[i % std::size(kCases)][2]) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Machine, EveryTargetOfBytes, testing::ValuesIn(supported_targets()),
                         [](const auto& each) { return each.param; });

}  // namespace
}  // namespace pare::kernels
