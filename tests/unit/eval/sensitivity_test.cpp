#include "pare/sensitivity.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>

#include "support/errors.h"
#include "support/files.h"

namespace pare {
namespace {

class SensitivityOfGpt2 : public testing::Test {
 protected:
  SensitivityOfGpt2() : model_(open_model(std::string(PARE_SOURCE_DIR) + "/demo/models/gpt2-world")) {
    options_.eval.task = Task::kDivergence;
    options_.eval.data = std::string(PARE_SOURCE_DIR) + "/demo/heldout/lm.txt";
    options_.eval.limit = 2;
    options_.eval.context = 64;
  }
  Model model_;
  SensitivityOptions options_;
};

TEST_F(SensitivityOfGpt2, PrunesEachUnitAlone) {
  options_.levels = {Amount::percent("50"), Amount::percent("95")};
  const Sensitivity found = measure_sensitivity(model_, options_);
  ASSERT_EQ(found.units.size(), 4U);
  EXPECT_EQ(found.units[2].name, "layer 2");
  EXPECT_EQ(found.weights, 442'368U);
  for (const SensitiveUnit& unit : found.units) {
    EXPECT_EQ(unit.parameters.size(), 4U);
    EXPECT_GT(unit.degradation[0], 0);
    EXPECT_GT(unit.degradation[1], unit.degradation[0]);
  }
  // The same by hand: one layer is pruned with its own threshold, and compared.
  PruneOptions pruning;
  pruning.levels = {Amount::percent("95")};
  pruning.include = {"h.1.*.c_*.weight"};
  const Model pruned = pruned_model(model_, plan_pruning(model_, pruning), 0);
  EvalOptions eval = options_.eval;
  eval.reference = &model_;
  EXPECT_DOUBLE_EQ(evaluate(pruned, eval).scores.at(0).value, found.units[1].degradation[1]);
  const std::vector<std::size_t> order = ranking(found);
  const auto total = [&](std::size_t i) { return found.units[i].degradation[0] + found.units[i].degradation[1]; };
  EXPECT_LE(total(order[0]), total(order[1]));
  EXPECT_LE(total(order[2]), total(order[3]));
}

TEST_F(SensitivityOfGpt2, LevelsCanBeCounts) {
  options_.levels = {Amount::pytorch("55296"), Amount::percent("50")};  // half of a layer's 110,592 weights
  for (const SensitiveUnit& unit : measure_sensitivity(model_, options_).units) {
    EXPECT_GT(unit.degradation[0], 0);
    EXPECT_EQ(unit.degradation[0], unit.degradation[1]);
  }
}

TEST_F(SensitivityOfGpt2, UnitsCanBeGroupsAndTensors) {
  options_.levels = {Amount::percent("50")};
  options_.unit = UnitKind::kGroup;
  const Sensitivity groups = measure_sensitivity(model_, options_);
  ASSERT_EQ(groups.units.size(), 3U);
  EXPECT_EQ(groups.units[0].name, "attention.qkv");
  options_.unit = UnitKind::kTensor;
  const Sensitivity tensors = measure_sensitivity(model_, options_);
  ASSERT_EQ(tensors.units.size(), 16U);
  EXPECT_EQ(tensors.units[6].name, "h.1.mlp.c_fc.weight");
  EXPECT_EQ(tensors.units[6].part, "mlp.c_fc");
  EXPECT_EQ(tensors.units[6].layer, 1);
}

TEST_F(SensitivityOfGpt2, AllocationsMeetTheTargetAndTheLastIsBest) {
  options_.levels = {Amount::percent("50"), Amount::percent("90")};
  const Sensitivity found = measure_sensitivity(model_, options_);
  const std::vector<Allocation> made = allocate(model_, found, options_, {0.7, 1});
  ASSERT_EQ(made.size(), 4U);
  for (const Allocation& one : made) {
    double pruned = 0;
    for (std::size_t i = 0; i < one.levels.size(); ++i)
      pruned += one.levels[i] * static_cast<double>(found.units[i].weights);
    EXPECT_NEAR(pruned / static_cast<double>(found.weights), 0.7, 1e-5) << one.name;
    EXPECT_GE(one.degradation, made.back().degradation) << one.name;
  }
  // The written levels are those that were scored.
  const test::TemporaryDirectory directory;
  write_levels(made.back().sets, directory / "levels.json");
  PruneOptions pruning;
  pruning.sets = read_levels(directory / "levels.json");
  const PrunePlan plan = plan_pruning(model_, pruning);
  EXPECT_NEAR(static_cast<double>(plan.levels.at(0).pruned), 0.7 * 442'368, 4);
  EvalOptions eval = options_.eval;
  eval.reference = &model_;
  EXPECT_DOUBLE_EQ(evaluate(pruned_model(model_, plan, 0), eval).scores.at(0).value, made.back().degradation);
}

TEST_F(SensitivityOfGpt2, NeedsALossThatIsFinite) {
  const test::TemporaryDirectory directory;
  test::write_text(directory / "text", std::string(3000, 'x'));  // one word: exp(nats of all its tokens) is infinite
  options_.eval.task = Task::kWikitext;
  options_.eval.data = (directory / "text").string();
  EXPECT_THAT([&] { measure_sensitivity(model_, options_); },
              test::ThrowsError(ErrorCode::kUnsupported, options_.eval.data, "", {"perplexity", "inf"}));
}

TEST_F(SensitivityOfGpt2, AllocationsSparePartsWhoseDegradationIsInfinite) {
  options_.levels = {Amount::percent("50"), Amount::percent("90")};
  options_.eval.limit = 1;
  Sensitivity found = measure_sensitivity(model_, options_);
  for (const std::size_t unit : {0U, 2U}) found.units[unit].degradation = {INFINITY, INFINITY};
  found.units[1].degradation[1] = INFINITY;  // at 90 % only
  const std::vector<Allocation> made = allocate(model_, found, options_, {0.3, 0});
  EXPECT_EQ(made[2].name, "additive");
  EXPECT_EQ(made[2].levels[0], 0);
  EXPECT_DOUBLE_EQ(made[2].levels[1], 0.5);
  EXPECT_EQ(made[2].levels[2], 0);
  EXPECT_NEAR(made[2].levels[3], 0.7, 1e-9);
}

/// Sets the first element of a tensor in a safetensors file to infinity.
void make_infinite(const std::filesystem::path& path, const std::string& tensor) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  std::uint64_t size = 0;
  file.read(reinterpret_cast<char*>(&size), sizeof size);
  std::string header(size, ' ');
  file.read(header.data(), static_cast<std::streamsize>(size));
  const auto begin = nlohmann::json::parse(header).at(tensor).at("data_offsets").at(0).get<std::uint64_t>();
  file.seekp(static_cast<std::streamoff>(sizeof size + size + begin));
  const float infinite = INFINITY;
  file.write(reinterpret_cast<const char*>(&infinite), sizeof infinite);
}

TEST_F(SensitivityOfGpt2, DivergenceOfInfiniteLogitsIsInfinite) {
  const test::TemporaryDirectory directory;
  std::filesystem::copy(std::string(PARE_SOURCE_DIR) + "/demo/models/gpt2-world", directory / "model");
  make_infinite(directory / "model/model.safetensors", "transformer.ln_f.weight");
  const Model model = open_model((directory / "model").string());
  options_.levels = {Amount::percent("50")};
  options_.eval.limit = 1;
  const Sensitivity found = measure_sensitivity(model, options_);
  for (const SensitiveUnit& unit : found.units) EXPECT_EQ(unit.degradation[0], INFINITY);
  for (const Allocation& made : allocate(model, found, options_, {0.5, 1}))
    for (const double level : made.levels) EXPECT_TRUE(level >= 0 && level <= 1) << made.name;
}

}  // namespace
}  // namespace pare
