// Patterns as text, and their effect on the axes of a matrix.
#include <gtest/gtest.h>

#include "pare/prune.h"
#include "prune/patterns/tiling.h"
#include "support/files.h"
#include "support/tensors.h"

namespace pare {
namespace {

std::string failure(const std::string& text) {
  return test::error_of([&] { Pattern::parse(text); });
}

TEST(Pattern, ReadsWhatItWrites) {
  for (const char* text :
       {"unstructured", "2:4", "4:8", "1:4", "1023:1024", "rows", "columns", "1x8", "4x4", "65536x1"})
    EXPECT_EQ(Pattern::parse(text).text(), text);
  const Pattern two_of_four = Pattern::parse("2:4"), blocks = Pattern::parse("1x8");
  EXPECT_EQ(two_of_four, (Pattern{Pattern::Kind::kNOfM, 2, 4}));
  EXPECT_EQ(blocks, (Pattern{Pattern::Kind::kBlocks, 1, 8}));
}

TEST(Pattern, RefusesTheRestAndSaysWhy) {
  for (const char* text : {"", "rows ", "Rows", "2:", ":4", "2:4:8", "-1:4", "2.0:4", "2 :4", "x8", "1x", "1X8",
                           "1x8x2", "2/4", "99999999999999999999:4", "banana"})
    EXPECT_EQ(failure(text), "pattern '" + std::string(text) +
                                 "' is not one of unstructured, N:M (as 2:4), rows, columns, RxC (as 1x8)");
  EXPECT_EQ(failure("5:4"), "pattern '5:4' removes nothing: N of N:M is less than M");
  EXPECT_EQ(failure("4:4"), "pattern '4:4' removes nothing: N of N:M is less than M");
  EXPECT_EQ(failure("0:4"), "pattern '0:4' keeps nothing: N of N:M is at least 1");
  EXPECT_EQ(failure("0:0"), "pattern '0:0' keeps nothing: N of N:M is at least 1");
  EXPECT_EQ(failure("1:1025"), "pattern '1:1025' has groups of more than 1024 weights");
  EXPECT_EQ(failure("0x8"), "pattern '0x8' has empty blocks");
  EXPECT_EQ(failure("1x0"), "pattern '1x0' has empty blocks");
  EXPECT_EQ(failure("1x65537"), "pattern '1x65537' has blocks longer than 65536");
}

TEST(Pattern, OnlyNOfMFixesTheLevel) {
  EXPECT_EQ(Pattern::parse("2:4").level()->fraction, 0.5);
  EXPECT_EQ(Pattern::parse("1:4").level()->label, "75");
  EXPECT_EQ(Pattern::parse("1:3").level()->label, "66.67");
  EXPECT_FALSE(Pattern::parse("4x4").level());
  EXPECT_FALSE(Pattern::parse("rows").level());
  EXPECT_FALSE(Pattern().level());
}

TensorView matrix(std::uint64_t rows, std::uint64_t columns) { return {"w", DType::kF32, {rows, columns}, {}, 0}; }

TEST(Tiling, FollowsTheOrientation) {
  using prune::tiling_of;
  const TensorView w = matrix(6, 20);
  const prune::Tiling rows = tiling_of(Pattern::parse("rows"), Orientation::kOutIn, w);
  EXPECT_EQ(rows.blocks(), 6U);
  EXPECT_EQ(rows.block_columns, 20U);
  EXPECT_EQ(tiling_of(Pattern::parse("rows"), Orientation::kInOut, w).blocks(), 20U);
  EXPECT_EQ(tiling_of(Pattern::parse("columns"), Orientation::kInOut, w).block_columns, 20U);
  EXPECT_EQ(tiling_of(Pattern::parse("rows"), Orientation::kNone, w).blocks(), 6U);  // as stored
  const prune::Tiling blocks = tiling_of(Pattern::parse("4x8"), Orientation::kOutIn, w);
  EXPECT_EQ(blocks.bands(), 2U);
  EXPECT_EQ(blocks.strips(), 3U);
  EXPECT_EQ(blocks.elements(0), 32U);
  EXPECT_EQ(blocks.elements(5), 2U * 4U);
  const prune::Tiling turned = tiling_of(Pattern::parse("4x8"), Orientation::kInOut, w);
  EXPECT_EQ(turned.block_rows, 6U);  // at most the number of rows
  EXPECT_EQ(turned.block_columns, 4U);
  EXPECT_EQ(turned.whole, 32U);
}

TEST(Tiling, KnowsWhatIsLeftOver) {
  const TensorView w = matrix(6, 20);
  const auto rest = [&](const char* pattern, Orientation orientation) {
    const prune::Remainder found = prune::remainder_of(Pattern::parse(pattern), orientation, w);
    return std::pair(found.inputs, found.outputs);
  };
  EXPECT_EQ(rest("2:4", Orientation::kOutIn), std::pair(std::uint64_t{0}, std::uint64_t{0}));
  EXPECT_EQ(rest("2:4", Orientation::kInOut), std::pair(std::uint64_t{2}, std::uint64_t{0}));
  EXPECT_EQ(rest("4x8", Orientation::kOutIn), std::pair(std::uint64_t{4}, std::uint64_t{2}));
  EXPECT_EQ(rest("rows", Orientation::kOutIn), std::pair(std::uint64_t{0}, std::uint64_t{0}));
}

}  // namespace
}  // namespace pare
