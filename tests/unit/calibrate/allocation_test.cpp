// How a level is divided among linears: against closed forms, and on whole models.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numeric>

#include "calibrate/cheapest_levels.h"
#include "pare/calibrate.h"
#include "pare/error.h"
#include "support/small_models.h"

namespace pare {
namespace {

const std::string kDemoFolder = std::string(PARE_SOURCE_DIR) + "/demo/";

/// Costs of factor * (exp(6 level) - 1).
calibrate::MatrixCost exponential(double weights, double factor) {
  calibrate::MatrixCost cost{weights, {}};
  for (std::size_t i = 0; i < cost.cost.size(); ++i)
    cost.cost[i] = factor * (std::exp(6 * static_cast<double>(i) / 100) - 1);
  return cost;
}

double mean_level(const std::vector<calibrate::MatrixCost>& matrices, const std::vector<double>& levels) {
  double pruned = 0, all = 0;
  for (std::size_t i = 0; i < levels.size(); ++i) {
    pruned += levels[i] * matrices[i].weights;
    all += matrices[i].weights;
  }
  return pruned / all;
}

TEST(CheapestLevels, EqualizeTheCostOfAWeight) {
  // The cost of one more weight, 6 factor exp(6 level) / weights, is the same for all.
  const std::vector<calibrate::MatrixCost> matrices{exponential(100, 1), exponential(100, 3), exponential(300, 3)};
  const std::vector<double> levels = calibrate::cheapest_levels(matrices, 0.5, 1);
  EXPECT_NEAR(mean_level(matrices, levels), 0.5, 1e-9);
  EXPECT_NEAR(levels[0] - levels[1], std::log(3) / 6, 0.011);
  EXPECT_NEAR(levels[2] - levels[1], std::log(3) / 6, 0.011);
}

TEST(CheapestLevels, StayBelowTheBound) {
  const std::vector<calibrate::MatrixCost> matrices{exponential(100, 1e-9), exponential(100, 1), exponential(100, 1)};
  const std::vector<double> levels = calibrate::cheapest_levels(matrices, 0.6, 0.755);
  EXPECT_DOUBLE_EQ(levels[0], 0.755);
  EXPECT_NEAR(mean_level(matrices, levels), 0.6, 1e-9);
  EXPECT_NEAR(levels[1], levels[2], 0.011);
}

TEST(CheapestLevels, TakeEverythingOrNothing) {
  const std::vector<calibrate::MatrixCost> matrices{exponential(10, 0), exponential(10, 1), {10, {}}};
  for (const double level : calibrate::cheapest_levels(matrices, 0, 0.5)) EXPECT_EQ(level, 0);
  for (const double level : calibrate::cheapest_levels(matrices, 1, 1)) EXPECT_NEAR(level, 1, 1e-12);
}

TEST(WholeWeights, HaveTheTotal) {
  const std::vector<std::uint64_t> weights{7, 11, 100};
  for (const std::uint64_t total : {0U, 1U, 59U, 117U, 118U}) {
    const double level = static_cast<double>(total) / 118;
    const std::vector<double> fractions = calibrate::whole_weights({level, level, level}, weights, total);
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < fractions.size(); ++i) sum += Amount{fractions[i], std::nullopt, {}}.of(weights[i]);
    EXPECT_EQ(sum, total);
  }
}

CalibrationOptions windows_for(AllocationKind allocation) {
  CalibrationOptions options;
  options.data = kDemoFolder + "heldout/lm.txt";
  options.sequences = 6;
  options.length = 40;
  options.allocation = allocation;
  return options;
}

PruneOptions to_levels(Criterion criterion, const std::vector<std::string>& levels) {
  PruneOptions options;
  options.criterion = criterion;
  for (const std::string& level : levels) options.levels.push_back(Amount::percent(level));
  return options;
}

std::vector<double> levels_of(const PrunePlan& plan, std::size_t level) {
  std::vector<double> levels;
  for (const PruneSet& set : plan.levels[level].sets) levels.push_back(set.amount.fraction);
  return levels;
}

class Allocated : public testing::TestWithParam<AllocationKind> {};

TEST_P(Allocated, PrunesExactlyTheLevelInAll) {
  for (const char* name : {"gpt2-world", "bert-world", "t5-world"}) {
    const Model model = open_model(test::small_model(name));
    const PrunePlan plan =
        plan_calibrated(model, to_levels(Criterion::kSparseGpt, {"50", "83.7"}), windows_for(GetParam()));
    ASSERT_EQ(plan.levels.size(), 2U);
    for (std::size_t i = 0; i < 2; ++i) {
      const LevelPlan& level = plan.levels[i];
      EXPECT_EQ(level.pruned, level.amount.of(plan.candidates)) << name;
      const std::vector<double> levels = levels_of(plan, i);
      ASSERT_EQ(levels.size(), plan.parameters.size());
      EXPECT_GT(*std::max_element(levels.begin(), levels.end()), level.amount.fraction + 0.02) << name;
      for (std::size_t k = 0; k < levels.size(); ++k) {
        const Parameter& parameter = model.parameters[plan.parameters[k]];
        EXPECT_EQ(level.sets[k].name, parameter.name);
        EXPECT_EQ(level.cuts[k].pruned, level.sets[k].amount.of(model.tensor(parameter).elements()));
      }
    }
  }
}

TEST_P(Allocated, DoesNotDependOnThreadsOrOtherLevels) {
  const Model model = open_model(test::small_model("gpt2-world"));
  const PrunePlan one =
                      plan_calibrated(model, to_levels(Criterion::kWanda, {"60"}), windows_for(GetParam()), Context(1)),
                  three = plan_calibrated(model, to_levels(Criterion::kWanda, {"40", "60"}), windows_for(GetParam()),
                                          Context(3));
  EXPECT_EQ(levels_of(one, 0), levels_of(three, 1));
}

TEST_P(Allocated, IsReadBackFromALevelsFile) {
  const Model model = open_model(test::small_model("gpt2-world"));
  const PrunePlan plan = plan_calibrated(model, to_levels(Criterion::kSparseGpt, {"60"}), windows_for(GetParam()));
  const std::filesystem::path path = testing::TempDir() + "/allocated.json";
  write_levels(plan.levels[0].sets, path, true);
  PruneOptions options;
  options.criterion = Criterion::kSparseGpt;
  options.sets = read_levels(path);
  const PrunePlan again = plan_calibrated(model, options, windows_for(AllocationKind::kUniform));
  for (std::size_t i = 0; i < plan.parameters.size(); ++i)
    EXPECT_EQ(plan.levels[0].cuts[i].pruned, again.levels[0].cuts[i].pruned) << i;
}

INSTANTIATE_TEST_SUITE_P(Kinds, Allocated, testing::Values(AllocationKind::kOwl, AllocationKind::kSecondOrder),
                         [](const auto& kind) { return kind.param == AllocationKind::kOwl ? "Owl" : "SecondOrder"; });

TEST(Owl, KeepsLayersWithinItsRange) {
  const Model model = open_model(test::small_model("gpt2-world"));
  const PrunePlan plan =
      plan_calibrated(model, to_levels(Criterion::kWanda, {"60"}), windows_for(AllocationKind::kOwl));
  const std::vector<double> levels = levels_of(plan, 0);
  const auto [least, most] = std::minmax_element(levels.begin(), levels.end());
  EXPECT_NEAR(*most - *least, 0.16, 1e-3);
  for (std::size_t i = 0; i < levels.size(); ++i)
    for (std::size_t k = 0; k < levels.size(); ++k) {
      if (model.parameters[plan.parameters[i]].layer != model.parameters[plan.parameters[k]].layer) continue;
      EXPECT_NEAR(levels[i], levels[k], 1e-3);
    }
}

TEST(Allocation, IsRefusedWhereThereIsNothingToDivide) {
  const Model model = open_model(test::small_model("gpt2-world"));
  const auto code = [&](const PruneOptions& options) {
    try {
      plan_calibrated(model, options, windows_for(AllocationKind::kOwl));
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::kIo;
  };
  PruneOptions options = to_levels(Criterion::kMagnitude, {"50"});
  options.refit = true;
  EXPECT_EQ(code(options), ErrorCode::kArgument);
  options = to_levels(Criterion::kAlps, {});
  options.pattern = Pattern::parse("2:4");
  EXPECT_EQ(code(options), ErrorCode::kArgument);
  options.pattern = {};
  options.sets = {{"all", {"*attn*weight"}, Amount::percent("50")}};
  EXPECT_EQ(code(options), ErrorCode::kArgument);
}

}  // namespace
}  // namespace pare
