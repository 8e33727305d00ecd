// Figures after pruning, computed without a rescan, against arrays that were actually pruned.
#include "report/pruned_figures.h"

#include <gtest/gtest.h>

#include "tiny_model.h"

namespace pare::report {
namespace {

using test::TinyModel;

struct Setting {
  Scope scope;
  Measure measure;
  bool wild;
};

class FiguresAfter : public testing::TestWithParam<Setting> {};

/// A histogram of doubles as pare defines it, 50 bins of 0.1, edges rounded to float.
Histogram reference_histogram(const std::vector<double>& values, Measure measure) {
  Histogram result{0, 5, std::vector<std::uint64_t>(50), 0, 0, 0};
  for (double value : values) {
    if (measure == Measure::kMagnitude) value = std::abs(value);
    if (std::isnan(value)) {
      ++result.nans;
    } else if (value < 0) {
      ++result.below;
    } else {
      std::size_t bin = 0;
      while (bin < 50 && value >= static_cast<double>(static_cast<float>(5.0 * static_cast<double>(bin + 1) / 50)))
        ++bin;
      ++(bin < 50 ? result.counts[bin] : result.beyond);
    }
  }
  return result;
}

void expect_equal(const Histogram& got, const Histogram& want) {
  EXPECT_EQ(got.counts, want.counts);
  EXPECT_EQ(got.below, want.below);
  EXPECT_EQ(got.beyond, want.beyond);
  EXPECT_EQ(got.nans, want.nans);
}

TEST_P(FiguresAfter, EqualThoseOfPrunedArrays) {
  const auto [scope, measure, wild] = GetParam();
  const TinyModel tiny("tiny", DType::kF32, wild);
  const Model model = tiny.model();
  InspectOptions inspecting;
  inspecting.measure = measure;
  const Inspection inspection = inspect(model, inspecting);
  std::vector<Histogram> histograms;
  for (const TensorView& tensor : model.checkpoint.tensors())
    histograms.push_back(histogram({&tensor, 1}, measure, 0, 5, 50, Context(1)));
  PruneOptions options;
  options.scope = scope;
  for (const char* level : {"0", "10", "50", "90", "99", "100"}) options.levels.push_back(Amount::percent(level));
  const PrunePlan plan = plan_pruning(model, options);
  const std::vector<LevelFigures> levels = figures_after(model, inspection, histograms, plan, {});
  ASSERT_EQ(levels.size(), 6U);
  for (std::size_t level = 0; level < levels.size(); ++level) {
    SCOPED_TRACE(options.levels[level].label);
    const auto pruned = tiny.pruned(options.levels[level].fraction, scope);
    std::vector<double> all, taken;
    for (std::size_t i = 0; i < pruned.size(); ++i) {
      SCOPED_TRACE(tiny.parameters()[i].name);
      EXPECT_EQ(levels[level].tensors[i].zeros, test::count_zeros(pruned[i]));
      EXPECT_EQ(levels[level].tensors[i].above, test::count_big(pruned[i], Measure::kMagnitude, 0.1));
      EXPECT_EQ(levels[level].tensors[i].big, test::count_big(pruned[i], measure, 0.1));
      all.insert(all.end(), pruned[i].begin(), pruned[i].end());
      if (tiny.parameters()[i].prunable) taken.insert(taken.end(), pruned[i].begin(), pruned[i].end());
    }
    EXPECT_EQ(levels[level].zeros, test::count_zeros(all));
    EXPECT_EQ(levels[level].above, test::count_big(all, Measure::kMagnitude, 0.1));
    EXPECT_EQ(levels[level].big, test::count_big(all, measure, 0.1));
    expect_equal(levels[level].histogram, reference_histogram(all, measure));
    expect_equal(levels[level].pruned_histogram, reference_histogram(taken, measure));
  }
}

INSTANTIATE_TEST_SUITE_P(All, FiguresAfter,
                         testing::Values(Setting{Scope::kGlobal, Measure::kMagnitude, false},
                                         Setting{Scope::kGlobal, Measure::kSigned, false},
                                         Setting{Scope::kPerTensor, Measure::kMagnitude, false},
                                         Setting{Scope::kPerTensor, Measure::kSigned, false},
                                         Setting{Scope::kGlobal, Measure::kMagnitude, true},
                                         Setting{Scope::kGlobal, Measure::kSigned, true},
                                         Setting{Scope::kPerTensor, Measure::kMagnitude, true}));

TEST(FiguresAfterPatterns, AreThoseOfThePrunedModel) {
  const TinyModel tiny("tiny", DType::kF32, true);
  const Model model = tiny.model();
  for (const Measure measure : {Measure::kMagnitude, Measure::kSigned})
    for (const char* pattern : {"2:4", "rows", "columns", "4x4"}) {
      SCOPED_TRACE(pattern);
      InspectOptions inspecting;
      inspecting.measure = measure;
      std::vector<Histogram> histograms;
      for (const TensorView& tensor : model.checkpoint.tensors())
        histograms.push_back(histogram({&tensor, 1}, measure, 0, 5, 50, Context(1)));
      PruneOptions options;
      options.pattern = Pattern::parse(pattern);
      if (!options.pattern.level()) options.levels = {Amount::percent("50"), Amount::percent("90")};
      const PrunePlan plan = plan_pruning(model, options);
      const std::vector<LevelFigures> levels = figures_after(model, inspect(model, inspecting), histograms, plan, {});
      for (std::size_t level = 0; level < levels.size(); ++level) {
        const Model pruned = pruned_model(model, plan, level);
        std::vector<double> all;
        for (std::size_t i = 0; i < tiny.parameters().size(); ++i) {
          const std::vector<double> values = test::values_of(pruned.checkpoint.tensors()[i]);
          EXPECT_EQ(levels[level].tensors[i].zeros, test::count_zeros(values));
          EXPECT_EQ(levels[level].tensors[i].above, test::count_big(values, Measure::kMagnitude, 0.1));
          EXPECT_EQ(levels[level].tensors[i].big, test::count_big(values, measure, 0.1));
          all.insert(all.end(), values.begin(), values.end());
        }
        expect_equal(levels[level].histogram, reference_histogram(all, measure));
      }
    }
}

TEST(HistogramAfter, TakesFromTheLowEndAndNaNLast) {
  const Histogram before{0, 3, {5, 4, 3}, 0, 2, 1};
  const Histogram after = histogram_after(before, 10);
  EXPECT_EQ(after.counts, (std::vector<std::uint64_t>{10, 0, 2}));
  EXPECT_EQ(after.beyond, 2U);
  EXPECT_EQ(histogram_after(before, 14).beyond, 0U);
  EXPECT_EQ(histogram_after(before, 14).nans, 1U);
  EXPECT_EQ(histogram_after(before, 15).nans, 0U);
  EXPECT_EQ(histogram_after(before, 15).counts[0], 15U);
}

TEST(AboveAfter, FallsOnlyWhenBigOnesGo) {
  Stats before;
  before.count = 10;
  before.nans = 1;
  before.cutoffs = {{0.1, 4, 0}};
  EXPECT_EQ(above_after(before, 0, 0), 4U);
  EXPECT_EQ(above_after(before, 0, 5), 4U);
  EXPECT_EQ(above_after(before, 0, 7), 2U);
  EXPECT_EQ(above_after(before, 0, 9), 0U);
  EXPECT_EQ(above_after(before, 0, 10), 0U);
}

}  // namespace
}  // namespace pare::report
