// The elements that patterns remove, compared with simple loops that follow the definition.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <set>

#include "pare/error.h"
#include "pare/prune.h"
#include "pare/stats.h"
#include "support/files.h"
#include "support/tensors.h"
#include "unit/prune/plain_patterns.h"

namespace pare::test {
namespace {

void expect_level(const std::vector<Matrix>& matrices, const Model& model, const PrunePlan& plan, std::size_t level,
                  const Removed& removed, const std::string& what) {
  const Model after = pruned_model(model, plan, level, Context(2));
  std::uint64_t all_pruned = 0, all_zeros = 0;
  for (std::size_t t = 0; t < matrices.size(); ++t) {
    const TensorView &before = model.checkpoint.tensors()[t], &now = after.checkpoint.tensors()[t];
    const std::size_t size = dtype_bits(before.dtype) / 8;
    std::vector<std::byte> expected(before.bytes.data(), before.bytes.data() + before.bytes.size());
    std::uint64_t pruned = 0;
    for (std::size_t i = 0; i < removed[t].size(); ++i) {
      if (!removed[t][i]) continue;
      std::fill_n(expected.begin() + static_cast<std::ptrdiff_t>(i * size), size, std::byte{0});
      ++pruned;
    }
    ASSERT_TRUE(std::equal(expected.begin(), expected.end(), now.bytes.data())) << what << ", matrix " << t;
    const std::vector<double> values = values_of(now);
    const auto zeros = static_cast<std::uint64_t>(std::count(values.begin(), values.end(), 0.0));
    EXPECT_EQ(plan.levels[level].cuts[t].pruned, pruned) << what;
    EXPECT_EQ(plan.levels[level].cuts[t].zeros, zeros) << what;
    all_pruned += pruned;
    all_zeros += zeros;
    // Every piece equals the same piece of the whole.
    const Mask& mask = plan.levels[level].cuts[t].mask;
    const std::uint64_t n = removed[t].size();
    for (const auto& [from, to] : {std::pair(n / 3, 2 * n / 3 + 1), std::pair(n / 2, n), std::pair(n - 1, n)}) {
      std::vector<std::byte> piece((to - from) * size);
      mask.copy(before, from, to - from, piece.data());
      EXPECT_TRUE(std::equal(piece.begin(), piece.end(), expected.begin() + static_cast<std::ptrdiff_t>(from * size)))
          << what << ", elements " << from << " to " << to;
    }
  }
  EXPECT_EQ(plan.levels[level].pruned, all_pruned) << what;
  EXPECT_EQ(plan.levels[level].zeros, all_zeros) << what;
}

/// One matrix of each orientation, with sizes that no pattern divides, and one that all do.
std::vector<Matrix> matrices_of(DType dtype, bool wild) {
  return {make_matrix(dtype, 37, 75, Orientation::kOutIn, 1, wild, "linear"),
          make_matrix(dtype, 75, 37, Orientation::kInOut, 2, wild, "conv1d"),
          make_matrix(dtype, 48, 80, Orientation::kNone, 3, wild, "other")};
}

class Patterns : public testing::TestWithParam<DType> {};

TEST_P(Patterns, NOfMKeepsTheLargestOfEachGroup) {
  for (const bool wild : {false, true}) {
    const std::vector<Matrix> matrices = matrices_of(GetParam(), wild);
    const Model model = model_of(matrices);
    for (const char* text : {"2:4", "1:4", "4:8", "3:7", "1:2", "15:16", "1:64", "5:65", "33:70", "1:1000"}) {
      PruneOptions options;
      options.pattern = Pattern::parse(text);
      const PrunePlan plan = plan_pruning(model, options);
      ASSERT_EQ(plan.levels.size(), 1U);
      expect_level(matrices, model, plan, 0, by_n_of_m(matrices, options.pattern), text);
    }
  }
}

TEST_P(Patterns, BlocksGoByTheirNorm) {
  for (const bool wild : {false, true}) {
    const std::vector<Matrix> matrices = matrices_of(GetParam(), wild);
    const Model model = model_of(matrices);
    for (const char* text : {"rows", "columns", "1x8", "8x1", "4x4", "3x20", "1x1", "100x100"})
      for (const Norm norm : {Norm::kL1, Norm::kL2, Norm::kLInf})
        for (const Scope scope : {Scope::kGlobal, Scope::kPerTensor}) {
          PruneOptions options;
          options.pattern = Pattern::parse(text);
          options.norm = norm;
          options.scope = scope;
          for (const char* level : {"0", "10", "50", "97", "100"}) options.levels.push_back(Amount::percent(level));
          const PrunePlan plan = plan_pruning(model, options);
          for (std::size_t level = 0; level < plan.levels.size(); ++level)
            expect_level(
                matrices, model, plan, level, by_blocks(matrices, options, plan.levels[level].amount),
                std::string(text) + " by " + std::string(norm_name(norm)) + " at " + plan.levels[level].amount.label);
        }
  }
}

INSTANTIATE_TEST_SUITE_P(DTypes, Patterns, testing::ValuesIn(analyzed_dtypes()),
                         [](const auto& dtype) { return std::string(dtype_name(dtype.param)); });

TEST(PatternPlan, LargeMatricesAreCutAlikeByAnyNumberOfThreads) {
  // Several pieces of planning and of copying, high bands and low ones.
  const std::vector<Matrix> matrices{make_matrix(DType::kF32, 600, 803, Orientation::kOutIn, 5, false, "linear"),
                                     make_matrix(DType::kF32, 803, 600, Orientation::kInOut, 6, true, "conv1d")};
  const Model model = model_of(matrices);
  for (const char* text : {"1x8", "16x2", "rows", "columns", "2:4"}) {
    PruneOptions options;
    options.pattern = Pattern::parse(text);
    if (!options.pattern.level()) options.levels = {Amount::percent("30"), Amount::percent("80")};
    const PrunePlan one = plan_pruning(model, options, Context(1));
    const PrunePlan three = plan_pruning(model, options, Context(3));
    for (std::size_t level = 0; level < one.levels.size(); ++level) {
      const Removed expected = options.pattern.level() ? by_n_of_m(matrices, options.pattern)
                                                       : by_blocks(matrices, options, one.levels[level].amount);
      expect_level(matrices, model, one, level, expected, text);
      for (std::size_t t = 0; t < matrices.size(); ++t)
        EXPECT_EQ(one.levels[level].cuts[t].mask, three.levels[level].cuts[t].mask) << text;
    }
  }
}

TEST(PatternPlan, BlocksOfOneWeightAreTheUnstructuredCut) {
  // More blocks than are listed to find a threshold among them, and many ties.
  std::vector<Matrix> matrices{make_matrix(DType::kF32, 1100, 1003, Orientation::kOutIn, 8, false, "a"),
                               make_matrix(DType::kBF16, 1003, 1100, Orientation::kInOut, 9, false, "b")};
  std::fill_n(matrices[0].owner.bytes().begin() + 4 * 1000, 4 * 400'000, std::byte{0});
  const Model model = model_of(matrices);
  PruneOptions options;
  for (const char* level : {"5", "20", "50", "99"}) options.levels.push_back(Amount::percent(level));
  const PrunePlan expected = plan_pruning(model, options);
  options.pattern = Pattern::parse("1x1");
  const PrunePlan plan = plan_pruning(model, options);
  for (std::size_t level = 0; level < plan.levels.size(); ++level) {
    EXPECT_EQ(plan.levels[level].zeros, expected.levels[level].zeros);
    const Model theirs = pruned_model(model, expected, level), ours = pruned_model(model, plan, level);
    for (std::size_t t = 0; t < matrices.size(); ++t) {
      const TensorView &a = theirs.checkpoint.tensors()[t], &b = ours.checkpoint.tensors()[t];
      EXPECT_TRUE(std::equal(a.bytes.data(), a.bytes.data() + a.bytes.size(), b.bytes.data())) << level << ' ' << t;
    }
  }
}

TEST(PatternPlan, TiesGoInOrder) {
  // All equal: the first are pruned, in each group and among all blocks.
  std::vector<Matrix> matrices{{from_floats(std::vector<float>(32, 0.5F), "a"), 4, 8, Orientation::kOutIn},
                               {from_floats(std::vector<float>(32, -0.5F), "b"), 4, 8, Orientation::kOutIn}};
  const Model model = model_of(matrices);
  PruneOptions options;
  options.pattern = Pattern::parse("2:4");
  const PrunePlan groups = plan_pruning(model, options);
  const Model half = pruned_model(model, groups, 0);
  for (std::size_t i = 0; i < 32; ++i) EXPECT_EQ(element_value(half.checkpoint.tensors()[0], i) == 0, i % 4 < 2) << i;
  options.pattern = Pattern::parse("2x4");
  options.levels = {Amount::pytorch("5")};
  const PrunePlan blocks = plan_pruning(model, options);
  EXPECT_EQ(blocks.levels[0].cuts[0].mask, Mask(Mask::Bits{{0b1111}, 2, 4}));
  EXPECT_EQ(blocks.levels[0].cuts[1].mask, Mask(Mask::Bits{{0b0001}, 2, 4}));
}

TEST(PatternPlan, NaNGoesLastAndNegativeZeroFirst) {
  const float nan = std::nanf("");
  const std::vector<Matrix> matrices{
      {from_floats({nan, 1, -0.0F, 2, nan, nan, 3, 0, INFINITY, nan, 1e30F, -4}, "w"), 3, 4, Orientation::kOutIn}};
  const Model model = model_of(matrices);
  PruneOptions options;
  options.pattern = Pattern::parse("2:4");
  const Model half = pruned_model(model, plan_pruning(model, options), 0);
  std::vector<bool> gone;
  for (std::size_t i = 0; i < 12; ++i) gone.push_back(element_value(half.checkpoint.tensors()[0], i) == 0);
  EXPECT_EQ(gone, (std::vector<bool>{false, true, true, false, false, false, true, true, false, false, true, true}));
  options.pattern = Pattern::parse("columns");
  options.levels = {Amount::pytorch("2")};
  EXPECT_EQ(plan_pruning(model, options).levels[0].cuts[0].mask, Mask(Mask::Bits{{0b1100}, 3, 1}));
}

TEST(PatternPlan, AccumulatesRowsAsRepeatedCalls) {
  // 50 % of 10 rows, then half of the 5 left: 2, to even.
  const std::vector<Matrix> matrices{make_matrix(DType::kF32, 10, 6, Orientation::kOutIn, 7, false, "w")};
  PruneOptions options;
  options.pattern = Pattern::parse("rows");
  options.levels = {Amount::percent("50"), Amount::percent("50.0001")};
  options.schedule = Schedule::kAccumulate;
  const PrunePlan plan = plan_pruning(model_of(matrices), options);
  EXPECT_EQ(plan.levels[0].pruned, 30U);
  EXPECT_EQ(plan.levels[1].pruned, 48U);  // round(2.500005) = 3
}

TEST(PatternPlan, SaysWhichAxesAreNotDivided) {
  const std::vector<Matrix> matrices = matrices_of(DType::kF32, false);
  PruneOptions options;
  options.pattern = Pattern::parse("2:4");
  EXPECT_EQ(
      plan_pruning(model_of(matrices), options).notes,
      std::vector<std::string>{"2:4 does not divide the input axis of 2 tensors (linear, conv1d): what is left at "
                               "its end is a smaller group, which keeps its share"});
  options.pattern = Pattern::parse("5x5");
  options.levels = {Amount::percent("50")};
  EXPECT_EQ(plan_pruning(model_of(matrices), options).notes,
            std::vector<std::string>{"5x5 does not divide the output axis of 3 tensors (linear, conv1d, other): the "
                                     "blocks at its end are smaller, and their norms scaled to a whole block's"});
  options.pattern = Pattern::parse("rows");
  EXPECT_TRUE(plan_pruning(model_of(matrices), options).notes.empty());
}

TEST(PatternPlan, TheScopeOfWhatIsPrunedByItselfIsPerTensor) {
  const std::vector<Matrix> matrices = matrices_of(DType::kF32, false);
  PruneOptions options;
  options.pattern = Pattern::parse("rows");
  options.levels = {Amount::percent("50")};
  EXPECT_EQ(plan_pruning(model_of(matrices), options).options.scope, Scope::kPerTensor);
  options.pattern = Pattern::parse("1x8");
  EXPECT_EQ(plan_pruning(model_of(matrices), options).options.scope, Scope::kGlobal);
}

TEST(PatternPlan, RefusesWhatDoesNotGoTogether) {
  std::vector<Matrix> matrices = matrices_of(DType::kF32, false);
  const Model model = model_of(matrices);
  const auto failure = [&](const PruneOptions& options) { return error_of([&] { plan_pruning(model, options); }); };
  PruneOptions options;
  options.pattern = Pattern::parse("2:4");
  options.levels = {Amount::percent("50")};
  EXPECT_EQ(failure(options), "the pattern 2:4 implies the level: 50 %");
  options.levels.clear();
  options.criterion = Criterion::kRandom;
  EXPECT_EQ(failure(options), "the pattern 2:4 supports magnitude pruning only, not random");
  options = {};
  options.pattern = Pattern::parse("rows");
  options.levels = {Amount::pytorch("38")};
  EXPECT_EQ(failure(options), "small: tensor 'linear': amount 38 is more than its 37 rows");
  options.pattern = Pattern::parse("rows");
  options.levels.clear();
  EXPECT_EQ(failure(options), "no level to prune to");
  options.sets = {{"all", {"*"}, Amount::percent("50")}};
  EXPECT_NE(failure(options), "");
}

TEST(PatternPlan, NeedsMatrices) {
  const OwnedTensor owner = random_tensor(DType::kF32, 12, 1, false, "bias");
  CheckpointFile file;
  file.tensors = {0};
  Model model{"small", "small", "Small", "", Checkpoint::from_tensors({owner.view()}, {file}, ".", nullptr), {}, {},
              {},      {},      {},      {}};
  model.parameters.emplace_back().name = "bias";
  PruneOptions options;
  options.pattern = Pattern::parse("2:4");
  options.include = {"bias"};
  EXPECT_EQ(error_of([&] { plan_pruning(model, options); }),
            "small: tensor 'bias': has 1 axis: the pattern 2:4 needs a matrix");
}

TEST(PatternPlan, EmptyMatricesAndASingleWeight) {
  std::vector<Matrix> matrices{make_matrix(DType::kF32, 0, 5, Orientation::kOutIn, 1, false, "none"),
                               make_matrix(DType::kF32, 5, 0, Orientation::kInOut, 1, false, "nothing"),
                               make_matrix(DType::kF32, 1, 1, Orientation::kOutIn, 1, false, "one")};
  const Model model = model_of(matrices);
  for (const char* text : {"2:4", "rows", "columns", "1x8", "4x4"}) {
    PruneOptions options;
    options.pattern = Pattern::parse(text);
    if (!options.pattern.level()) options.levels = {Amount::percent("100")};
    const PrunePlan plan = plan_pruning(model, options);
    EXPECT_EQ(plan.levels[0].pruned, options.pattern.level() ? 0U : 1U) << text;  // ceil(2 * 1 / 4) stays
    pruned_model(model, plan, 0);
  }
}

}  // namespace
}  // namespace pare::test
