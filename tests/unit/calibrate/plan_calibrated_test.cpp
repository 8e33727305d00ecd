// Whole models: numbers of zeros, threads, dtypes, and what is refused.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "pare/calibrate.h"
#include "pare/error.h"
#include "support/small_models.h"
#include "unit/calibrate/few_windows.h"

namespace pare {
namespace {

using test::few_windows;
using test::kDemo;
using test::small_model;

PruneOptions half(Criterion criterion, const std::string& level = "50") {
  PruneOptions options;
  options.criterion = criterion;
  options.levels = {Amount::percent(level)};
  return options;
}

std::vector<std::byte> pruned_bytes(const Model& model, const PrunePlan& plan, std::size_t index) {
  const TensorView& tensor = model.tensor(model.parameters[plan.parameters[index]]);
  std::vector<std::byte> bytes(tensor.bytes.size());
  plan.levels[0].cuts[index].mask.copy(tensor, 0, tensor.elements(), bytes.data());
  return bytes;
}

/// Number of zeros of each output of an F32 matrix.
std::vector<std::size_t> zeros_by_output(const Model& model, const PrunePlan& plan, std::size_t index) {
  const std::vector<std::byte> bytes = pruned_bytes(model, plan, index);
  const auto* values = reinterpret_cast<const float*>(bytes.data());
  const Parameter& parameter = model.parameters[plan.parameters[index]];
  const std::vector<std::uint64_t>& shape = model.tensor(parameter).shape;
  const bool out_in = parameter.orientation == Orientation::kOutIn;
  std::vector<std::size_t> zeros(out_in ? shape[0] : shape[1]);
  for (std::size_t row = 0; row < shape[0]; ++row)
    for (std::size_t column = 0; column < shape[1]; ++column)
      if (values[row * shape[1] + column] == 0) ++zeros[out_in ? row : column];
  return zeros;
}

ErrorCode code_of(const Model& model, const PruneOptions& options, const CalibrationOptions& calibration) {
  try {
    plan_calibrated(model, options, calibration);
  } catch (const Error& error) {
    return error.code();
  }
  ADD_FAILURE() << "was not refused";
  return ErrorCode::kIo;
}

class Calibrated : public testing::TestWithParam<Criterion> {};

TEST_P(Calibrated, PrunesExactlyWhatIsAskedFor) {
  for (const char* name : {"gpt2-world", "bert-world", "t5-world"}) {
    const Model model = open_model(small_model(name));
    const PrunePlan plan = plan_calibrated(model, half(GetParam()), few_windows());
    ASSERT_EQ(plan.levels.size(), 1U);
    EXPECT_EQ(2 * plan.levels[0].zeros, plan.candidates) << name;
    EXPECT_EQ(plan.levels[0].pruned, plan.levels[0].zeros);
    for (std::size_t i = 0; i < plan.parameters.size(); ++i) {
      const Parameter& parameter = model.parameters[plan.parameters[i]];
      EXPECT_GE(parameter.layer, 0);
      EXPECT_EQ(2 * plan.levels[0].cuts[i].zeros, model.tensor(parameter).elements()) << parameter.name;
      const std::vector<std::size_t> zeros = zeros_by_output(model, plan, i);
      const bool even = std::equal(zeros.begin() + 1, zeros.end(), zeros.begin());
      EXPECT_TRUE(even || GetParam() != Criterion::kWanda) << parameter.name;
    }
  }
}

TEST_P(Calibrated, GivesTheSameBytesWithAnyNumberOfThreads) {
  // The solvers of alps have a test of their own at a larger width.
  const Model model =
      open_model(GetParam() == Criterion::kAlps ? small_model("gpt2-world") : kDemo + "models/gpt2-world");
  CalibrationOptions options = few_windows();
  for (const bool true_sequential : {true, false}) {
    options.true_sequential = true_sequential;
    const PrunePlan one = plan_calibrated(model, half(GetParam(), "60"), options, Context(1)),
                    three = plan_calibrated(model, half(GetParam(), "60"), options, Context(3));
    for (std::size_t i = 0; i < one.parameters.size(); ++i)
      EXPECT_EQ(pruned_bytes(model, one, i), pruned_bytes(model, three, i)) << i;
  }
}

TEST(TrueSequential, PrunesLinearsOnWhatThePrunedOnesBeforeThemCompute) {
  for (const char* name : {"gpt2-world", "t5-world"}) {
    const Model model = open_model(small_model(name));
    CalibrationOptions options = few_windows();
    const PrunePlan sequential = plan_calibrated(model, half(Criterion::kSparseGpt), options);
    options.true_sequential = false;
    const PrunePlan together = plan_calibrated(model, half(Criterion::kSparseGpt), options);
    for (std::size_t i = 0; i < together.parameters.size(); ++i) {
      const Parameter& parameter = model.parameters[together.parameters[i]];
      if (parameter.layer != 0 || parameter.stack == "decoder") continue;
      const bool first = parameter.slot == Slot::kQkv || parameter.slot == Slot::kQ || parameter.slot == Slot::kK ||
                         parameter.slot == Slot::kV;
      EXPECT_EQ(pruned_bytes(model, sequential, i) == pruned_bytes(model, together, i), first) << parameter.name;
    }
  }
}

TEST(CalibrationSpeed, CountsThePassesAndTheProductsOfInputs) {
  const Model model = open_model(small_model("gpt2-world"));
  const auto operations = [&](Criterion criterion, bool true_sequential) {
    CalibrationOptions options = few_windows();
    options.true_sequential = true_sequential;
    double told = 0;
    options.tell_speed = [&](const CalibrationSpeed& speed) { told += speed.operations; };
    plan_calibrated(model, half(criterion), options);
    return told;
  };
  double weights = 0, pairs = 0, last_down = 0;
  int layers = 0;
  for (const Parameter& parameter : model.parameters) {
    if (!is_layer_linear(model, parameter)) continue;
    layers = std::max(layers, parameter.layer + 1);
    const auto& shape = model.tensor(parameter).shape;  // [in, out]; no two linears share their input
    weights += static_cast<double>(shape[0] * shape[1]);
    pairs += static_cast<double>(shape[0] * (shape[0] + 1));
    if (parameter.slot == Slot::kDown) last_down = static_cast<double>(shape[0] * shape[1]);
  }
  const double tokens = 5 * 32;
  // What the last linear computes is not needed.
  const double once = 2 * tokens * (weights - last_down);
  EXPECT_DOUBLE_EQ(operations(Criterion::kWanda, true), once);
  EXPECT_DOUBLE_EQ(operations(Criterion::kSparseGpt, true), once + tokens * pairs);
  // The last layer runs once, the others once more for the next one.
  const double twice = 2 * tokens * weights * (2 - 1.0 / layers);
  EXPECT_DOUBLE_EQ(operations(Criterion::kWanda, false), twice);
  EXPECT_DOUBLE_EQ(operations(Criterion::kSparseGpt, false), twice + tokens * pairs);
}

TEST_P(Calibrated, KeepsTwoOfFour) {
  const Model model = open_model(small_model("gpt2-world"));
  PruneOptions options;
  options.criterion = GetParam();
  options.pattern = Pattern::parse("2:4");
  const PrunePlan plan = plan_calibrated(model, options, few_windows());
  for (std::size_t i = 0; i < plan.parameters.size(); ++i) {
    const std::vector<std::byte> bytes = pruned_bytes(model, plan, i);
    const auto* values = reinterpret_cast<const float*>(bytes.data());
    const std::vector<std::uint64_t>& shape = model.tensor(model.parameters[plan.parameters[i]]).shape;  // [in, out]
    for (std::size_t out = 0; out < shape[1]; ++out)
      for (std::size_t in = 0; in < shape[0]; in += 4) {
        int zeros = 0;
        for (std::size_t j = in; j < in + 4; ++j) zeros += values[j * shape[1] + out] == 0 ? 1 : 0;
        ASSERT_EQ(zeros, 2) << i << ' ' << out << ' ' << in;
      }
  }
}

TEST_P(Calibrated, GivesEachSetItsLevel) {
  const Model model = open_model(small_model("gpt2-world"));
  PruneOptions options;
  options.criterion = GetParam();
  options.sets = {{"attention", {"*attn*.weight"}, Amount::percent("25")},
                  {"rest", {"*mlp*.weight"}, Amount::percent("75")}};
  const PrunePlan plan = plan_calibrated(model, options, few_windows());
  for (std::size_t i = 0; i < plan.parameters.size(); ++i) {
    const Parameter& parameter = model.parameters[plan.parameters[i]];
    const bool attention = parameter.name.find("attn") != std::string::npos;
    EXPECT_EQ(4 * plan.levels[0].cuts[i].zeros, (attention ? 1 : 3) * model.tensor(parameter).elements());
  }
}

INSTANTIATE_TEST_SUITE_P(Criteria, Calibrated,
                         testing::Values(Criterion::kWanda, Criterion::kSparseGpt, Criterion::kAlps),
                         [](const auto& test) { return std::string(criterion_name(test.param)); });

TEST(PlanCalibrated, RefitsWhatMagnitudeChose) {
  const Model model = open_model(small_model("gpt2-world"));
  PruneOptions options = half(Criterion::kMagnitude);
  const PrunePlan plain = plan_pruning(model, options);
  options.refit = true;
  EXPECT_THROW(plan_pruning(model, options), Error);
  const PrunePlan fitted = plan_calibrated(model, options, few_windows());
  ASSERT_EQ(fitted.parameters, plain.parameters);
  EXPECT_EQ(fitted.levels[0].zeros, plain.levels[0].zeros);
  bool changed = false;
  for (std::size_t i = 0; i < plain.parameters.size(); ++i) {
    const std::vector<std::byte> before = pruned_bytes(model, plain, i), after = pruned_bytes(model, fitted, i);
    const auto *old_values = reinterpret_cast<const float*>(before.data()),
               *new_values = reinterpret_cast<const float*>(after.data());
    for (std::size_t j = 0; j < before.size() / sizeof(float); ++j) {
      ASSERT_EQ(old_values[j] == 0, new_values[j] == 0);
      changed |= old_values[j] != new_values[j];
    }
  }
  EXPECT_TRUE(changed);
}

TEST(PlanCalibrated, ReadsSourcesAndTargets) {
  const Model model = open_model(small_model("t5-world"));
  CalibrationOptions options = few_windows();
  const PrunePlan text = plan_calibrated(model, half(Criterion::kWanda), options);
  options.data = kDemo + "heldout/text2text.tsv";
  const PrunePlan table = plan_calibrated(model, half(Criterion::kWanda), options);
  EXPECT_EQ(table.levels[0].zeros, text.levels[0].zeros);
  EXPECT_EQ(table.calibration->file, "text2text.tsv");
  EXPECT_TRUE(table.notes.empty());
  bool differs = false;
  for (std::size_t i = 0; i < table.parameters.size(); ++i)
    differs |= pruned_bytes(model, table, i) != pruned_bytes(model, text, i);
  EXPECT_TRUE(differs);
}

TEST(PlanCalibrated, RecordsTheText) {
  const Model model = open_model(small_model("bert-world"));
  const PrunePlan plan = plan_calibrated(model, half(Criterion::kWanda), few_windows());
  ASSERT_TRUE(plan.calibration);
  EXPECT_EQ(plan.calibration->file, "lm.txt");
  EXPECT_EQ(plan.calibration->bytes, std::filesystem::file_size(kDemo + "heldout/lm.txt"));
  EXPECT_EQ(plan.calibration->sequences, 5U);
  EXPECT_EQ(plan.calibration->length, 32U);
}

TEST(PlanCalibrated, RefusesWhatItCannotDo) {
  const Model gpt2 = open_model(small_model("gpt2-world"));
  EXPECT_EQ(code_of(gpt2, half(Criterion::kMagnitude), few_windows()), ErrorCode::kArgument);
  PruneOptions options = half(Criterion::kWanda);
  options.pattern = Pattern::parse("rows");
  EXPECT_EQ(code_of(gpt2, options, few_windows()), ErrorCode::kArgument);
  options = half(Criterion::kWanda);
  options.schedule = Schedule::kAccumulate;
  EXPECT_EQ(code_of(gpt2, options, few_windows()), ErrorCode::kArgument);
  options.levels = {Amount::pytorch("1000")};
  options.schedule = Schedule::kIndependent;
  EXPECT_EQ(code_of(gpt2, options, few_windows()), ErrorCode::kArgument);
  CalibrationOptions missing = few_windows();
  missing.data = kDemo + "heldout/none.txt";
  EXPECT_EQ(code_of(gpt2, half(Criterion::kWanda), missing), ErrorCode::kNotFound);
  EXPECT_THROW(plan_pruning(gpt2, half(Criterion::kWanda)), Error);
}

TEST(PlanCalibrated, IsInterrupted) {
  const Model model = open_model(small_model("gpt2-world"));
  const Context context(2);
  const Context stopping = context.with_progress([&](const Progress& progress) {
    if (progress.fraction > 0.3) context.stop();
  });
  EXPECT_THROW(plan_calibrated(model, half(Criterion::kWanda), few_windows(), stopping), Interrupted);
}

}  // namespace
}  // namespace pare
