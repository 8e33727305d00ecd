// Plans over whole models: selection, levels, schedules, zeros.
#include <gtest/gtest.h>

#include <set>

#include "pare/prune.h"
#include "support/errors.h"
#include "support/tensors.h"

namespace pare {
namespace {

using test::OwnedTensor;

/// Two prunable matrices, an embedding and a norm.
Model small_model(const std::vector<OwnedTensor>& owners) {
  std::vector<TensorView> views;
  for (const OwnedTensor& owner : owners) views.push_back(owner.view());
  CheckpointFile file;
  file.output_name = "model.safetensors";
  for (std::size_t i = 0; i < views.size(); ++i) file.tensors.push_back(i);
  Model model{"small", "small", "Small", "", Checkpoint::from_tensors(views, {file}, ".", nullptr), {}, {},
              {},      {},      {},      {}};
  for (std::size_t i = 0; i < views.size(); ++i) {
    Parameter parameter;
    parameter.name = views[i].name;
    parameter.tensor = i;
    parameter.group = i == 0 ? Group::kEmbedding : i == 3 ? Group::kNorm : Group::kFeedForward;
    parameter.prunable = i == 1 || i == 2;
    model.parameters.push_back(parameter);
  }
  return model;
}

std::vector<OwnedTensor> small_tensors() {
  return {test::random_tensor(DType::kF32, 500, 1, false, "wte.weight"),
          test::random_tensor(DType::kF32, 1000, 2, false, "h.0.mlp.weight"),
          test::random_tensor(DType::kF32, 3000, 3, false, "h.1.mlp.weight"),
          test::random_tensor(DType::kF32, 10, 4, false, "ln_f.weight")};
}

PruneOptions at(std::initializer_list<const char*> levels) {
  PruneOptions options;
  for (const char* level : levels) options.levels.push_back(Amount::percent(level));
  return options;
}

TEST(PruneOptions, PrunesIfAnythingSaysHowMuch) {
  PruneOptions levels, sets, two_of_four, rows;
  EXPECT_FALSE(levels.prunes());
  levels.levels = {Amount::percent("0")};
  EXPECT_TRUE(levels.prunes());
  sets.sets.resize(1);
  EXPECT_TRUE(sets.prunes());
  two_of_four.pattern = Pattern::parse("2:4");
  EXPECT_TRUE(two_of_four.prunes());
  rows.pattern = Pattern::parse("rows");
  EXPECT_FALSE(rows.prunes());
}

TEST(Plan, PrunesTheDefaultClassGlobally) {
  const std::vector<OwnedTensor> owners = small_tensors();
  const PrunePlan plan = plan_pruning(small_model(owners), at({"10", "90"}));
  EXPECT_EQ(plan.parameters, (std::vector<std::size_t>{1, 2}));
  EXPECT_EQ(plan.candidates, 4000U);
  EXPECT_EQ(plan.levels[0].pruned, 400U);
  EXPECT_EQ(plan.levels[1].pruned, 3600U);
  EXPECT_EQ(plan.levels[1].zeros, 3600U);
  EXPECT_TRUE(plan.levels[1].threshold.has_value());
}

TEST(Plan, PerTensorTakesTheAmountOfEach) {
  const std::vector<OwnedTensor> owners = small_tensors();
  PruneOptions options = at({"90"});
  options.scope = Scope::kPerTensor;
  const PrunePlan plan = plan_pruning(small_model(owners), options);
  EXPECT_EQ(plan.levels[0].cuts[0].pruned, 900U);
  EXPECT_EQ(plan.levels[0].cuts[1].pruned, 2700U);
  EXPECT_FALSE(plan.levels[0].threshold.has_value());
}

TEST(Plan, AccumulatesAsRepeatedPytorchCalls) {
  // 10 % of 4000, then 50 % of 3600, then 90 % of 1800: as three calls on one module.
  const std::vector<OwnedTensor> owners = small_tensors();
  PruneOptions options = at({"10", "50", "90"});
  options.schedule = Schedule::kAccumulate;
  const PrunePlan plan = plan_pruning(small_model(owners), options);
  EXPECT_EQ(plan.levels[0].pruned, 400U);
  EXPECT_EQ(plan.levels[1].pruned, 2200U);
  EXPECT_EQ(plan.levels[2].pruned, 3820U);
}

TEST(Plan, CountsZerosThatWereThereBefore) {
  std::vector<OwnedTensor> owners = small_tensors();
  std::vector<std::byte>& bytes = owners[1].bytes();
  std::fill(bytes.begin(), bytes.begin() + 4 * 300, std::byte{0});
  const Model model = small_model(owners);
  const PrunePlan few = plan_pruning(model, at({"5"}));  // 200 are pruned, all of them among the 300 zeros
  EXPECT_EQ(few.zeros_before[0], 300U);
  EXPECT_EQ(few.levels[0].cuts[0].pruned, 200U);
  EXPECT_EQ(few.levels[0].zeros, 300U);
  EXPECT_EQ(few.levels[0].threshold, 0.0);
  PruneOptions random = at({"50"});
  random.criterion = Criterion::kRandom;
  const PrunePlan drawn = plan_pruning(model, random);
  EXPECT_EQ(drawn.levels[0].pruned, 2000U);
  EXPECT_GT(drawn.levels[0].zeros, 2000U);  // about 150 of the 300 are not drawn
  EXPECT_LT(drawn.levels[0].zeros, 2300U);
}

TEST(Plan, TheEndsOfTheScale) {
  const std::vector<OwnedTensor> owners = small_tensors();
  const Model model = small_model(owners);
  const PrunePlan plan = plan_pruning(model, at({"0", "100"}));
  EXPECT_EQ(plan.levels[0].pruned, 0U);
  EXPECT_FALSE(plan.levels[0].threshold.has_value());
  EXPECT_EQ(plan.levels[1].pruned, 4000U);
  EXPECT_EQ(plan.levels[1].zeros, 4000U);
}

TEST(Select, GlobsGroupsAndExclusions) {
  const std::vector<OwnedTensor> owners = small_tensors();
  const Model model = small_model(owners);
  PruneOptions options = at({"10"});
  options.include = {"*.weight"};
  EXPECT_EQ(select_parameters(model, options).size(), 4U);
  options.exclude = {"h.0.*"};
  EXPECT_EQ(select_parameters(model, options), (std::vector<std::size_t>{0, 2, 3}));
  options.groups = {Group::kEmbedding};
  EXPECT_EQ(select_parameters(model, options), std::vector<std::size_t>{0});
  options.include = {"no.such.*"};
  EXPECT_THAT([&] { select_parameters(model, options); }, test::ThrowsError(ErrorCode::kArgument));
}

TEST(Plan, RefusesALevelTwiceAndNone) {
  const std::vector<OwnedTensor> owners = small_tensors();
  const Model model = small_model(owners);
  EXPECT_THAT([&] { plan_pruning(model, at({"10", "10.0"})); }, test::ThrowsError(ErrorCode::kArgument));
  EXPECT_THAT([&] { plan_pruning(model, at({})); }, test::ThrowsError(ErrorCode::kArgument));
}

TEST(LevelDirectory, IsOutItselfForOneLevel) {
  PrunePlan plan;
  plan.levels.resize(1);
  plan.levels[0].amount = Amount::percent("90");
  EXPECT_EQ(level_directory(plan, 0, "out"), "out");
  plan.levels.resize(2);
  plan.levels[1].amount = Amount::pytorch("0.5");
  EXPECT_EQ(level_directory(plan, 0, "out"), "out/sparsity-90");
  EXPECT_EQ(level_directory(plan, 1, "out"), "out/amount-0.5");
}

}  // namespace
}  // namespace pare
