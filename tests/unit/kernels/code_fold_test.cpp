// Statistics of FP8 weights against those of their values, on every instruction set.
#include "kernels/quants/code_fold.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "kernels/quants/scaled_bytes.h"
#include "kernels/targets.h"

namespace pare::kernels {
namespace {

__extension__ using Half = _Float16;

/// Bytes in rows with gaps, and what they stand for.
struct CodeCase {
  CodeScale scale;
  std::size_t rows, columns, stride;
};

std::vector<std::byte> elements_of(const CodeScale& scale, const std::vector<std::byte>& codes) {
  std::vector<float> values(codes.size());
  scale_bytes(scale.codes, codes.data(), codes.size(), {0, scale.scale, 1}, values.data());
  std::vector<std::byte> elements(codes.size() * (scale.elements == FloatType::kF32 ? 4 : 2));
  if (scale.elements == FloatType::kBF16) {
    to_bf16(values.data(), values.size(), elements.data());
  } else if (scale.elements == FloatType::kF32) {
    std::memcpy(elements.data(), values.data(), elements.size());
  } else {
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto half = static_cast<Half>(values[i]);
      std::memcpy(elements.data() + 2 * i, &half, sizeof half);
    }
  }
  return elements;
}

/// The pattern of a magnitude's element.
std::uint64_t pattern_of(const CodeScale& scale, unsigned magnitude) {
  const std::vector<std::byte> elements = elements_of(scale, {static_cast<std::byte>(magnitude)});
  std::uint64_t pattern = 0;
  std::memcpy(&pattern, elements.data(), elements.size());
  return pattern;
}

class EveryTargetOfCodes : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { ASSERT_TRUE(force_target(GetParam())); }
  void TearDown() override { force_target(""); }

  /// Compares with a scan of the elements. Returns whether the bytes could be folded.
  static bool agrees(const CodeCase& one, const std::vector<std::byte>& rows, std::uint64_t cutoff) {
    const CodesSoon soon{one.stride % 3 == 0 ? rows.data() : nullptr, 1, 2};
    const CodeRows codes{rows.data(), one.rows, one.columns, one.stride, soon};
    const CodeCutoffs cutoffs{cutoff, std::numeric_limits<float>::infinity()};
    BlockScan scan;
    MomentLanes lanes;
    if (!fold_codes(codes, one.scale, cutoffs, scan, lanes)) return false;
    std::vector<std::byte> used;
    for (std::size_t row = 0; row < one.rows; ++row)
      used.insert(used.end(), rows.begin() + static_cast<std::ptrdiff_t>(row * one.stride),
                  rows.begin() + static_cast<std::ptrdiff_t>(row * one.stride + one.columns));
    const std::vector<std::byte> elements = elements_of(one.scale, used);
    MomentLanes expected_lanes;
    const BlockScan expected = scan_block(one.scale.elements, elements.data(), used.size(), cutoff, expected_lanes);
    EXPECT_EQ(scan.range.above, expected.range.above);
    EXPECT_EQ(scan.range.inside, expected.range.inside);
    EXPECT_EQ(scan.range.negative, expected.range.negative);
    EXPECT_EQ(scan.zeros, expected.zeros);
    EXPECT_EQ(scan.negative_zeros, expected.negative_zeros);
    EXPECT_EQ(scan.range.max_unsigned, expected.range.max_unsigned);
    EXPECT_EQ(scan.range.any_positive, expected.range.any_positive);
    EXPECT_EQ(scan.range.max_positive, expected.range.max_positive);
    EXPECT_EQ(scan.range.min_key, expected.range.min_key);
    EXPECT_NEAR(lanes.total_squares(), expected_lanes.total_squares(), 1e-12 * expected_lanes.total_squares());
    EXPECT_NEAR(lanes.total_sum(), expected_lanes.total_sum(),
                1e-12 * std::sqrt(expected_lanes.total_squares() * static_cast<double>(used.size())));
    force_target("");
    EXPECT_TRUE(force_target(supported_targets().back()));  // the plainest
    BlockScan same;
    MomentLanes same_lanes;
    EXPECT_TRUE(fold_codes(codes, one.scale, cutoffs, same, same_lanes));
    EXPECT_TRUE((force_target(""), force_target(GetParam())));
    EXPECT_EQ(std::memcmp(&lanes, &same_lanes, sizeof lanes), 0);
    return true;
  }
};

TEST_P(EveryTargetOfCodes, AgreeWithTheValues) {
  std::mt19937 engine(3);
  std::size_t folded = 0, tried = 0;
  for (const ByteType type : {ByteType::kE4M3, ByteType::kE5M2})
    for (const float scale : {1.0F, 0.00123F, 0.5F, 0.0107421875F, 1e-30F, 1e-38F, 3e30F})
      for (const FloatType elements : {FloatType::kF32, FloatType::kF16, FloatType::kBF16})
        for (const auto& [rows, columns, stride] : {std::array<std::size_t, 3>{1, 1000, 1000},
                                                    {5, 128, 200},
                                                    {3, 1, 7},
                                                    {2, 321, 321},
                                                    {7, 256, 300},
                                                    {1, 192, 192},
                                                    {1, 17000, 17000}}) {
          const CodeCase one{{type, elements, scale}, rows, columns, stride};
          std::vector<std::byte> codes(rows * stride);
          const unsigned least = type == ByteType::kE4M3 ? 0x7f : 0x7c;  // infinity and NaN
          for (std::byte& code : codes) {
            const unsigned bits = engine() & 255;
            code = static_cast<std::byte>((bits & 127) < least ? bits : bits & 128);
          }
          SCOPED_TRACE(testing::Message() << "scale " << scale << ", " << rows << " x " << columns);
          for (const std::uint64_t cutoff :
               {pattern_of(one.scale, 40), pattern_of(one.scale, 60) + 1, std::uint64_t{0}}) {
            ++tried;
            folded += agrees(one, codes, cutoff) ? 1 : 0;
          }
        }
  EXPECT_GT(folded, tried / 2);  // the scale of others is out of the range of F16
}

TEST_P(EveryTargetOfCodes, AgreeWhereDigitsAreLargest) {
  // Each sum of products has as much to hold as it can.
  for (const float scale : {1.0F, 0x1.fffffep0F, 0x1.01p-3F})
    for (const FloatType elements : {FloatType::kF32, FloatType::kBF16})
      for (const ByteType type : {ByteType::kE4M3, ByteType::kE5M2}) {
        const CodeCase one{{type, elements, scale}, 2, 30000, 30000};
        for (const unsigned code : {0x7bU, 0x3fU, 0x87U, 0xfbU}) {
          const std::vector<std::byte> codes(one.rows * one.stride, static_cast<std::byte>(code));
          EXPECT_TRUE(agrees(one, codes, pattern_of(one.scale, 60))) << scale << ' ' << code;
        }
      }
}

TEST_P(EveryTargetOfCodes, LeaveWhatIsNotUsual) {
  const std::vector<std::byte> usual(300, std::byte{0x38});
  std::vector<std::byte> with_nan = usual;
  with_nan[299] = std::byte{0xff};
  const auto folds = [](float scale, const std::vector<std::byte>& codes, float limit,
                        FloatType elements = FloatType::kF32) {
    BlockScan scan;
    MomentLanes lanes;
    return fold_codes({codes.data(), 1, codes.size(), codes.size()}, {ByteType::kE4M3, elements, scale}, {0, limit},
                      scan, lanes);
  };
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  EXPECT_TRUE(folds(0.25F, usual, kInfinity));
  EXPECT_TRUE(folds(0.25F, usual, 0.2500001F));
  EXPECT_FALSE(folds(0.25F, usual, 0.25F));
  EXPECT_FALSE(folds(0.25F, with_nan, kInfinity));
  for (const FloatType elements : {FloatType::kF32, FloatType::kF16, FloatType::kBF16})
    for (const float scale :
         {0.0F, -0.25F, 1e-45F, -3e38F, kInfinity, -kInfinity, std::numeric_limits<float>::quiet_NaN()})
      EXPECT_FALSE(folds(scale, usual, kInfinity, elements)) << scale;
}

INSTANTIATE_TEST_SUITE_P(Machine, EveryTargetOfCodes, testing::ValuesIn(supported_targets()),
                         [](const auto& each) { return each.param; });

}  // namespace
}  // namespace pare::kernels
