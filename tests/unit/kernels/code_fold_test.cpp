// Statistics of FP8 weights against those of their values, on every instruction set.
#include "kernels/quants/code_fold.h"

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "kernels/quants/scaled_bytes.h"
#include "kernels/targets.h"

namespace pare::kernels {
namespace {

/// Bytes in rows with gaps, and what they stand for.
struct CodeCase {
  ByteType type;
  float scale;
  bool rounded;  ///< to BF16
  std::size_t rows, columns, stride;
};

std::vector<std::byte> elements_of(const CodeCase& one, const std::vector<std::byte>& codes) {
  std::vector<float> values(codes.size());
  scale_bytes(one.type, codes.data(), codes.size(), {0, one.scale, 1}, values.data());
  std::vector<std::byte> elements(codes.size() * (one.rounded ? 2 : 4));
  if (one.rounded)
    to_bf16(values.data(), values.size(), elements.data());
  else
    std::memcpy(elements.data(), values.data(), elements.size());
  return elements;
}

CodeValues values_of(const CodeCase& one) {
  std::vector<std::byte> codes;
  for (std::size_t i = 0; i < kMagnitudes; ++i) codes.push_back(static_cast<std::byte>(i));
  const std::vector<std::byte> elements = elements_of(one, codes);
  CodeValues values{one.rounded ? Width::k16 : Width::k32, {}, {}};
  const std::size_t size = one.rounded ? 2 : 4;
  for (std::size_t i = 0; i < kMagnitudes; ++i) {
    std::memcpy(&values.patterns[i], elements.data() + i * size, size);
    values.values[i] = std::bit_cast<float>(values.patterns[i] << (one.rounded ? 16 : 0));
  }
  return values;
}

class EveryTargetOfCodes : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { ASSERT_TRUE(force_target(GetParam())); }
  void TearDown() override { force_target(""); }

  /// Compares with a scan of the elements. Returns whether the bytes could be folded.
  static bool agrees(const CodeCase& one, const std::vector<std::byte>& rows, std::uint64_t cutoff) {
    const CodeRows codes{rows.data(), one.rows, one.columns, one.stride};
    const CodeCutoffs cutoffs{cutoff, std::numeric_limits<float>::infinity()};
    BlockScan scan;
    MomentLanes lanes;
    if (!fold_codes(codes, values_of(one), cutoffs, scan, lanes)) return false;
    std::vector<std::byte> used;
    for (std::size_t row = 0; row < one.rows; ++row)
      used.insert(used.end(), rows.begin() + static_cast<std::ptrdiff_t>(row * one.stride),
                  rows.begin() + static_cast<std::ptrdiff_t>(row * one.stride + one.columns));
    const std::vector<std::byte> elements = elements_of(one, used);
    const FloatType type = one.rounded ? FloatType::kBF16 : FloatType::kF32;
    MomentLanes expected_lanes;
    const BlockScan expected = scan_block(type, elements.data(), used.size(), cutoff, expected_lanes);
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
    EXPECT_TRUE(fold_codes(codes, values_of(one), cutoffs, same, same_lanes));
    EXPECT_TRUE((force_target(""), force_target(GetParam())));
    EXPECT_EQ(std::memcmp(&lanes, &same_lanes, sizeof lanes), 0);
    return true;
  }
};

TEST_P(EveryTargetOfCodes, AgreeWithTheValues) {
  std::mt19937 engine(3);
  std::size_t folded = 0, tried = 0;
  for (const ByteType type : {ByteType::kE4M3, ByteType::kE5M2})
    for (const float scale : {1.0F, 0.00123F, 0.5F, 1e-30F, 3e30F})
      for (const bool rounded : {false, true})
        for (const auto& [rows, columns, stride] :
             {std::array<std::size_t, 3>{1, 1000, 1000}, {5, 128, 200}, {3, 1, 7}, {2, 321, 321}}) {
          const CodeCase one{type, scale, rounded, rows, columns, stride};
          std::vector<std::byte> codes(rows * stride);
          const unsigned least = type == ByteType::kE4M3 ? 0x7f : 0x7c;  // infinity and NaN
          for (std::byte& code : codes) {
            const unsigned bits = engine() & 255;
            code = static_cast<std::byte>((bits & 127) < least ? bits : bits & 128);
          }
          const CodeValues values = values_of(one);
          SCOPED_TRACE(testing::Message() << "scale " << scale << ", " << rows << " x " << columns);
          for (const std::uint64_t cutoff :
               {std::uint64_t{values.patterns[40]}, std::uint64_t{values.patterns[60]} + 1, std::uint64_t{0}}) {
            ++tried;
            folded += agrees(one, codes, cutoff) ? 1 : 0;
          }
        }
  EXPECT_GT(folded, tried / 2);  // others have values too far apart
}

TEST_P(EveryTargetOfCodes, LeaveWhatIsNotUsual) {
  const std::vector<std::byte> usual(300, std::byte{0x38});
  std::vector<std::byte> with_nan = usual;
  with_nan[299] = std::byte{0xff};
  const auto folds = [](float scale, const std::vector<std::byte>& codes, float limit) {
    BlockScan scan;
    MomentLanes lanes;
    return fold_codes({codes.data(), 1, codes.size(), codes.size()},
                      values_of({ByteType::kE4M3, scale, false, 1, codes.size(), codes.size()}), {0, limit}, scan,
                      lanes);
  };
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  EXPECT_TRUE(folds(0.25F, usual, kInfinity));
  EXPECT_TRUE(folds(0.25F, usual, 0.2500001F));
  EXPECT_FALSE(folds(0.25F, usual, 0.25F));
  EXPECT_FALSE(folds(0.25F, with_nan, kInfinity));
  for (const float scale :
       {0.0F, -0.25F, 1e-45F, std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()})
    EXPECT_FALSE(folds(scale, usual, kInfinity)) << scale;
}

INSTANTIATE_TEST_SUITE_P(Machine, EveryTargetOfCodes, testing::ValuesIn(supported_targets()),
                         [](const auto& each) { return each.param; });

}  // namespace
}  // namespace pare::kernels
