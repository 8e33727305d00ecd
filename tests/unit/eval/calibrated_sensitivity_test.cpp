// Sensitivity to criteria that prune by saved statistics: against the same calls by hand, and what is refused.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

#include "eval/kept_cuts.h"
#include "pare/calibrate.h"
#include "pare/sensitivity.h"
#include "support/errors.h"
#include "support/files.h"
#include "support/small_models.h"
#include "support/thread_group.h"
#include "unit/calibrate/few_windows.h"

namespace pare::calibrated_sensitivity {
namespace {

using test::kDemo;
using test::small_model;
using test::ThrowsError;

class CalibratedSensitivity : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    directory_ = std::make_unique<test::TemporaryDirectory>();
    const Model model = open_model(small_model("gpt2-world"));
    write_statistics(model, test::few_windows(), statistics());
    write_statistics(model, test::few_windows(), norms(), {.norms_only = true});
  }
  static void TearDownTestSuite() { directory_.reset(); }
  static std::filesystem::path statistics() { return *directory_ / "statistics.safetensors"; }
  static std::filesystem::path norms() { return *directory_ / "norms.safetensors"; }

  CalibratedSensitivity() : model_(open_model(small_model("gpt2-world"))) {
    options_.eval.task = Task::kDivergence;
    options_.eval.data = kDemo + "heldout/lm.txt";
    options_.eval.limit = 1;
    options_.eval.context = 64;
    options_.criterion = Criterion::kAlps;
    options_.statistics = statistics();
  }

  /// By calls that know nothing of sensitivity.
  Model pruned_by_hand(PruneOptions pruning) const {
    pruning.criterion = options_.criterion;
    pruning.refit = options_.refit;
    CalibrationOptions calibration;
    calibration.statistics = options_.statistics;
    return pruned_model(model_, plan_calibrated(model_, pruning, calibration), 0);
  }
  double divergence_by_hand(const PruneOptions& pruning) const {
    EvalOptions eval = options_.eval;
    eval.reference = &model_;
    return evaluate(pruned_by_hand(pruning), eval).scores.at(0).value;
  }
  /// One set for each layer.
  std::vector<PruneSet> sets(const std::vector<double>& fractions) const {
    std::vector<PruneSet> made;
    for (std::size_t i = 0; i < fractions.size(); ++i) {
      const std::string layer = std::to_string(i);
      made.push_back({"layer " + layer, {"h." + layer + ".*.c_*.weight"}, {fractions[i], std::nullopt, "x"}});
    }
    return made;
  }

  Model model_;
  SensitivityOptions options_;

 private:
  static std::unique_ptr<test::TemporaryDirectory> directory_;
};

std::unique_ptr<test::TemporaryDirectory> CalibratedSensitivity::directory_;

/// Whether all tensors hold the same bytes.
bool same_weights(const Model& a, const Model& b) {
  return std::all_of(a.parameters.begin(), a.parameters.end(), [&](const Parameter& parameter) {
    const TensorView &one = a.tensor(parameter), &other = b.tensor(parameter);
    return one.bytes.size() == other.bytes.size() &&
           std::equal(one.bytes.data(), one.bytes.data() + one.bytes.size(), other.bytes.data());
  });
}

TEST_F(CalibratedSensitivity, DegradationIsThatOfTheCriterion) {
  options_.levels = {Amount::percent("50"), Amount::percent("90")};
  const Sensitivity found = measure_sensitivity(model_, options_);
  EXPECT_EQ(found.criterion, Criterion::kAlps);
  EXPECT_EQ(found.statistics, "statistics.safetensors");
  ASSERT_EQ(found.units.size(), 4U);
  PruneOptions pruning;
  pruning.include = {"h.1.*.c_*.weight"};
  for (std::size_t level = 0; level < 2; ++level) {
    pruning.levels = {options_.levels[level]};
    EXPECT_DOUBLE_EQ(found.units[1].degradation[level], divergence_by_hand(pruning));
  }
  options_.criterion = Criterion::kMagnitude;
  options_.statistics.clear();
  const Sensitivity by_magnitude = measure_sensitivity(model_, options_);
  EXPECT_TRUE(by_magnitude.statistics.empty());
  EXPECT_LT(found.units[1].degradation[1], by_magnitude.units[1].degradation[1] / 2);
}

TEST_F(CalibratedSensitivity, MagnitudeCanBeRefitted) {
  options_.criterion = Criterion::kMagnitude;
  options_.refit = true;
  options_.levels = {Amount::percent("80"), Amount::pytorch("6144")};  // half of a layer's weights
  options_.unit = UnitKind::kLayer;
  const Sensitivity found = measure_sensitivity(model_, options_);
  PruneOptions pruning;
  pruning.include = {"h.2.*.c_*.weight"};
  pruning.levels = {Amount::percent("80")};
  EXPECT_DOUBLE_EQ(found.units[2].degradation[0], divergence_by_hand(pruning));
  pruning.levels = {Amount::percent("50")};
  EXPECT_DOUBLE_EQ(found.units[2].degradation[1], divergence_by_hand(pruning));
}

TEST_F(CalibratedSensitivity, KeptCutsAreThoseOfAFreshPlan) {
  eval::KeptCuts cuts(model_, options_, {});
  const auto check = [&](const std::vector<double>& fractions, std::size_t solved, std::size_t kept) {
    PruneOptions pruning;
    pruning.sets = sets(fractions);
    EXPECT_TRUE(same_weights(cuts.pruned(pruning.sets, {}), pruned_by_hand(pruning)));
    EXPECT_EQ(cuts.solved(), solved);
    EXPECT_EQ(cuts.kept(), kept);
  };
  check({0.5, 0.6, 0.7, 0.8}, 4, 4);
  cuts.hold(sets({0.5, 0.6, 0.7, 0.8}));
  check({0.5, 0.62, 0.7, 0.8}, 5, 5);
  check({0.52, 0.6, 0.7, 0.8}, 6, 5);  // the probe before is dropped, and what is held is used again
  check({0.4, 0.5, 0.8, 0.9}, 10, 8);
  check({0.5, 0.6, 0.7, 0.82}, 11, 5);
  check({0, 0.6, 1, 0.8}, 13, 6);
  cuts.hold(sets({0, 0.6, 1, 0.8}));
  check({0.5, 0.6}, 14, 5);  // 0.5 is no longer held
}

TEST_F(CalibratedSensitivity, WrittenLevelsPruneWhatWasScored) {
  options_.criterion = Criterion::kSparseGpt;
  options_.unit = UnitKind::kTensor;
  options_.levels = {Amount::percent("50"), Amount::percent("90")};
  const Sensitivity found = measure_sensitivity(model_, options_);
  ASSERT_EQ(found.units.size(), 16U);
  const std::vector<Allocation> made = allocate(model_, found, options_, {0.7, 2});
  ASSERT_EQ(made.size(), 4U);
  for (const Allocation& one : made) {
    const test::TemporaryDirectory directory;
    write_levels(one.sets, directory / "levels.json");
    PruneOptions pruning;
    pruning.sets = read_levels(directory / "levels.json");
    EXPECT_DOUBLE_EQ(one.degradation, divergence_by_hand(pruning)) << one.name;
    EXPECT_GE(one.degradation, made.back().degradation) << one.name;
    pruning.criterion = options_.criterion;
    CalibrationOptions calibration;
    calibration.statistics = options_.statistics;
    const PrunePlan plan = plan_calibrated(model_, pruning, calibration);
    EXPECT_EQ(plan.candidates, found.weights);
    EXPECT_NEAR(static_cast<double>(plan.levels.at(0).pruned), 0.7 * static_cast<double>(found.weights), 16);
  }
  EXPECT_LT(made.back().degradation, made.front().degradation);
}

TEST_F(CalibratedSensitivity, UnitsAreLinearsOfLayers) {
  const Model bert = open_model(small_model("bert-world"));
  SensitivityOptions options;
  const std::vector<std::size_t> all = eval::parameters_of_units(bert, options);
  options.criterion = Criterion::kWanda;
  const std::vector<std::size_t> linears = eval::parameters_of_units(bert, options);
  EXPECT_EQ(all.size(), linears.size() + 1);
  std::vector<std::string> left_out;
  for (const std::size_t index : all)
    if (std::find(linears.begin(), linears.end(), index) == linears.end())
      left_out.push_back(bert.parameters[index].name);
  EXPECT_EQ(left_out, std::vector<std::string>{"cls.predictions.transform.dense.weight"});
}

TEST_F(CalibratedSensitivity, TargetsCountTheLinearsOfLayersOnly) {
  const Model bert = open_model(small_model("bert-world"));
  const test::TemporaryDirectory directory;
  write_statistics(bert, test::few_windows(), directory / "norms.safetensors", {.norms_only = true});
  options_.eval.data = kDemo + "heldout/cloze.txt";
  options_.criterion = Criterion::kWanda;
  options_.statistics = directory / "norms.safetensors";
  options_.levels = {Amount::percent("50")};
  const Sensitivity found = measure_sensitivity(bert, options_);
  for (const Allocation& one : allocate(bert, found, options_, {0.6, 1})) {
    double pruned = 0;
    for (std::size_t i = 0; i < one.levels.size(); ++i)
      pruned += one.levels[i] * static_cast<double>(found.units[i].weights);
    EXPECT_NEAR(pruned / static_cast<double>(found.weights), 0.6, 1e-5) << one.name;
  }
}

TEST_F(CalibratedSensitivity, NormsAreEnoughForWanda) {
  options_.statistics = norms();
  options_.criterion = Criterion::kWanda;
  options_.levels = {Amount::percent("50")};
  EXPECT_GT(measure_sensitivity(model_, options_).units[0].degradation[0], 0);
}

TEST_F(CalibratedSensitivity, IsNotUsedForLevelsOfAnotherCriterion) {
  Sensitivity found;
  found.criterion = Criterion::kMagnitude;
  EXPECT_THAT([&] { allocate(model_, found, options_, {}); }, ThrowsError(ErrorCode::kArgument, "", "", {"criterion"}));
}

TEST_F(CalibratedSensitivity, RefusesBeforeAnyDataIsRead) {
  options_.eval.data = "missing.txt";
  const auto measure = [&](const Context& context = {}) {
    return [&, context] { measure_sensitivity(model_, options_, context); };
  };
  const std::filesystem::path file = options_.statistics;
  options_.statistics.clear();
  EXPECT_THAT(measure(), ThrowsError(ErrorCode::kArgument, "", "", {"alps", "statistics"}));
  options_.criterion = Criterion::kMagnitude;
  options_.refit = true;
  EXPECT_THAT(measure(), ThrowsError(ErrorCode::kArgument, "", "", {"magnitude", "refit"}));
  options_.refit = false;
  options_.statistics = file;
  EXPECT_THAT(measure(), ThrowsError(ErrorCode::kArgument, "", "", {"magnitude", "statistics"}));
  for (const Criterion criterion : {Criterion::kRandom, Criterion::kMask}) {
    options_.criterion = criterion;
    EXPECT_THAT(measure(), ThrowsError(ErrorCode::kArgument, "", "", {std::string(criterion_name(criterion))}));
  }
  options_.criterion = Criterion::kAlps;
  options_.levels = {Amount::pytorch("1000")};
  EXPECT_THAT(measure(), ThrowsError(ErrorCode::kArgument, "", "", {"alps", "counts"}));
  options_.levels.clear();
  EXPECT_THAT([&] { test::run_group(1, [&](unsigned, const Context& context) { measure(context)(); }); },
              ThrowsError(ErrorCode::kArgument, file));
  options_.statistics = "missing.safetensors";
  EXPECT_THAT(measure(), ThrowsError(ErrorCode::kNotFound, "missing.safetensors"));
  options_.statistics = norms();
  EXPECT_THAT(measure(), ThrowsError(ErrorCode::kUnsupported, norms(), "h.0.attn.c_attn.input_products"));
  options_.statistics = file;
  model_ = open_model(small_model("bert-world"));
  EXPECT_THAT(measure(), ThrowsError(ErrorCode::kMismatch, file, "", {"bert-world"}));
}

}  // namespace
}  // namespace pare::calibrated_sensitivity
