// Statistics of quantized blocks against those of their computed elements, on every instruction set.
#include "kernels/quants/block_fold.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "kernels/targets.h"

namespace pare::kernels {
namespace {

/// How the F16 numbers of blocks are drawn: bits that vary, and bits that are set.
struct Halves {
  std::uint16_t varying, set;
};

struct Layout {
  BlockType type;
  std::vector<std::size_t> halves;  ///< where a block has F16 numbers
};

const Layout kLayouts[] = {
    {BlockType::kQ4_0, {0}},   {BlockType::kQ4_1, {0, 2}}, {BlockType::kQ5_0, {0}},    {BlockType::kQ5_1, {0, 2}},
    {BlockType::kQ8_0, {0}},   {BlockType::kIQ4_NL, {0}},  {BlockType::kMXFP4, {}},    {BlockType::kQ2_K, {80, 82}},
    {BlockType::kQ3_K, {108}}, {BlockType::kQ4_K, {0, 2}}, {BlockType::kQ5_K, {0, 2}}, {BlockType::kQ6_K, {208}},
    {BlockType::kIQ4_XS, {0}}, {BlockType::kTQ1_0, {52}},  {BlockType::kTQ2_0, {64}},
};

// Like those of real weights, of any sign, of any size, powers of two, zero, and with infinities and NaN.
const Halves kHalves[] = {{0x07ff, 0x1000}, {0x87ff, 0x1000}, {0xbfff, 0}, {0x8400, 0x3000}, {0, 0}, {0xffff, 0}};

std::vector<std::byte> random_blocks(const Layout& layout, const Halves& halves, std::size_t count, unsigned seed) {
  std::mt19937 engine(seed);
  const std::size_t size = block_shape(layout.type).bytes;
  std::vector<std::byte> blocks(count * size);
  for (std::byte& byte : blocks) byte = static_cast<std::byte>(engine());
  for (std::size_t block = 0; block < count; ++block) {
    for (const std::size_t at : layout.halves) {
      const auto half = static_cast<std::uint16_t>((engine() & halves.varying) | halves.set);
      std::memcpy(blocks.data() + block * size + at, &half, sizeof half);
    }
    if (layout.type == BlockType::kMXFP4) blocks[block * size] = static_cast<std::byte>(120 + engine() % 8);
  }
  // -128 is rare in files.
  if (layout.type == BlockType::kQ8_0 && seed % 2 == 0)
    for (std::byte& byte : blocks)
      if (byte == std::byte{0x80}) byte = std::byte{0x7f};
  return blocks;
}

/// Folds blocks a few at a time, as a scan does. Returns whether all could be folded.
bool fold_all(BlockType type, const std::vector<std::byte>& blocks, const FoldCutoffs& cutoffs, BlockScan& scan,
              MomentLanes& lanes) {
  const BlockShape shape = block_shape(type);
  const std::size_t count = blocks.size() / shape.bytes, some = 1300 / shape.elements;
  for (std::size_t i = 0; i < count; i += some)
    if (!fold_blocks(type, blocks.data() + i * shape.bytes, std::min(some, count - i), cutoffs, scan, lanes))
      return false;
  return true;
}

std::vector<float> values_of(BlockType type, const std::vector<std::byte>& blocks) {
  const BlockShape shape = block_shape(type);
  std::vector<float> values(blocks.size() / shape.bytes * shape.elements);
  decode_blocks(type, blocks.data(), blocks.size() / shape.bytes, values.data());
  return values;
}

void expect_counts_of(const std::vector<float>& values, float cutoff, const BlockScan& scan) {
  MomentLanes lanes;
  const BlockScan expected = scan_block(FloatType::kF32, reinterpret_cast<const std::byte*>(values.data()),
                                        values.size(), std::bit_cast<std::uint32_t>(cutoff), lanes);
  EXPECT_EQ(scan.range.above, expected.range.above);
  EXPECT_EQ(scan.range.inside, expected.range.inside);
  EXPECT_EQ(scan.range.negative, expected.range.negative);
  EXPECT_EQ(scan.zeros, expected.zeros);
  EXPECT_EQ(scan.negative_zeros, expected.negative_zeros);
  EXPECT_EQ(scan.range.max_unsigned, expected.range.max_unsigned);
  EXPECT_EQ(scan.range.any_positive, expected.range.any_positive);
  EXPECT_EQ(scan.range.max_positive, expected.range.max_positive);
  EXPECT_EQ(scan.range.min_key, expected.range.min_key);
}

void expect_sums_of(const std::vector<float>& values, const MomentLanes& lanes) {
  long double sum = 0, squares = 0, magnitudes = 0;
  for (const float value : values) {
    sum += value;
    magnitudes += std::abs(value);
    squares += static_cast<long double>(value) * value;
  }
  EXPECT_NEAR(lanes.total_sum(), static_cast<double>(sum), 1e-14 * static_cast<double>(magnitudes));
  EXPECT_NEAR(lanes.total_squares(), static_cast<double>(squares), 1e-14 * static_cast<double>(squares));
}

class EveryTargetOfFolds : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { ASSERT_TRUE(force_target(GetParam())); }
  void TearDown() override { force_target(""); }
};

TEST_P(EveryTargetOfFolds, AgreeWithTheElements) {
  unsigned seed = 0;
  std::size_t folded = 0, tried = 0;
  for (const Layout& layout : kLayouts)
    for (const Halves& halves : kHalves) {
      const auto blocks = random_blocks(layout, halves, 3000 / block_shape(layout.type).elements, ++seed);
      const std::vector<float> values = values_of(layout.type, blocks);
      // An element's own magnitude is a cutoff that it does not exceed.
      for (const float cutoff : {0.1F, 0.0F, 7e-39F, std::abs(values[77]), std::numeric_limits<float>::infinity()}) {
        if (std::isnan(cutoff)) continue;
        SCOPED_TRACE(testing::Message() << "type " << static_cast<int>(layout.type) << ", halves " << halves.set << ", "
                                        << halves.varying << ", cutoff " << cutoff);
        BlockScan scan;
        MomentLanes lanes;
        ++tried;
        if (!fold_all(layout.type, blocks,
                      {std::bit_cast<std::uint32_t>(cutoff), std::numeric_limits<float>::infinity()}, scan, lanes))
          continue;
        ++folded;
        expect_counts_of(values, cutoff, scan);
        expect_sums_of(values, lanes);
        force_target("");
        ASSERT_TRUE(force_target(supported_targets().back()));  // the plainest
        MomentLanes expected;
        BlockScan same;
        EXPECT_TRUE(fold_all(layout.type, blocks,
                             {std::bit_cast<std::uint32_t>(cutoff), std::numeric_limits<float>::infinity()}, same,
                             expected));
        ASSERT_TRUE((force_target(""), force_target(GetParam())));
        EXPECT_EQ(std::memcmp(&lanes, &expected, sizeof lanes), 0);
      }
    }
  EXPECT_GT(folded, tried * 3 / 4);
}

TEST_P(EveryTargetOfFolds, CountMoreThanAByteHolds) {
  constexpr std::size_t kElements = 20480;
  for (const Layout& layout : kLayouts)
    for (const Halves& halves : {kHalves[0], kHalves[1]}) {
      SCOPED_TRACE(testing::Message() << "type " << static_cast<int>(layout.type) << ", halves " << halves.varying);
      const auto blocks = random_blocks(layout, halves, kElements / block_shape(layout.type).elements, 4);
      const std::vector<float> values = values_of(layout.type, blocks);
      BlockScan scan;
      MomentLanes lanes;
      const float cutoff = std::abs(values[5]) / 8 + 1e-6F;  // most exceed it
      if (!fold_blocks(layout.type, blocks.data(), blocks.size() / block_shape(layout.type).bytes,
                       {std::bit_cast<std::uint32_t>(cutoff), std::numeric_limits<float>::infinity()}, scan, lanes)) {
        EXPECT_EQ(layout.type, BlockType::kQ8_0);  // which may have -128
        continue;
      }
      expect_counts_of(values, cutoff, scan);
      expect_sums_of(values, lanes);
    }
}

TEST_P(EveryTargetOfFolds, FindTheFirstZeroAmongBlocksOfTheSameScale) {
  constexpr std::size_t kBytes = 34, kBlocks = 320;  // more than are prepared at once
  std::vector<std::byte> blocks(kBlocks * kBytes);
  for (std::size_t block = 0; block < kBlocks; ++block) {
    blocks[block * kBytes + 1] = std::byte{0x10};
    // The least and the largest magnitudes there are, so that only the zero is new.
    constexpr int kNumbers[] = {127, -127, 1, -1};
    for (std::size_t i = 2; i < kBytes; ++i) blocks[block * kBytes + i] = static_cast<std::byte>(kNumbers[i % 4]);
    if (block == 300) blocks[block * kBytes + 9] = std::byte{0};
  }
  BlockScan scan;
  MomentLanes lanes;
  ASSERT_TRUE(fold_blocks(BlockType::kQ8_0, blocks.data(), kBlocks,
                          {0x3dcccccd, std::numeric_limits<float>::infinity()}, scan, lanes));
  EXPECT_EQ(scan.zeros, 1U);
  expect_counts_of(values_of(BlockType::kQ8_0, blocks), 0.1F, scan);
}

TEST_P(EveryTargetOfFolds, LeaveWhatReachesTheLimit) {
  for (const Layout& layout : kLayouts) {
    const auto blocks = random_blocks(layout, kHalves[0], 1024 / block_shape(layout.type).elements, 2);
    float largest = 0;
    for (const float value : values_of(layout.type, blocks)) largest = std::max(largest, std::abs(value));
    BlockScan scan;
    MomentLanes lanes;
    EXPECT_FALSE(fold_all(layout.type, blocks, {0x3dcccccd, largest}, scan, lanes));
    EXPECT_FALSE(fold_all(layout.type, blocks, {0x3dcccccd, largest / 2}, scan, lanes));
    EXPECT_TRUE(fold_all(layout.type, blocks, {0x3dcccccd, 2000 * largest}, scan, lanes));
  }
}

INSTANTIATE_TEST_SUITE_P(Machine, EveryTargetOfFolds, testing::ValuesIn(supported_targets()),
                         [](const auto& each) { return each.param; });

}  // namespace
}  // namespace pare::kernels
