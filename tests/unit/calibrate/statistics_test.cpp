// Statistics in a file: against sums over what a runner's linears read, pruning by them against pruning by the text,
// and what is refused.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>

#include "calibrate/calibration_text.h"
#include "calibrate/statistics/statistics_file.h"
#include "pare/calibrate.h"
#include "pare/run.h"
#include "support/errors.h"
#include "support/files.h"
#include "support/small_models.h"
#include "support/thread_group.h"
#include "unit/calibrate/few_windows.h"

namespace pare::saved_statistics {
namespace {

using test::few_windows;
using test::small_model;
using test::ThrowsError;

CalibrationOptions by_file(const std::filesystem::path& file) {
  CalibrationOptions options;
  options.statistics = file;
  return options;
}

PruneOptions levels(Criterion criterion, const std::vector<std::string>& percents) {
  PruneOptions options;
  options.criterion = criterion;
  for (const std::string& percent : percents) options.levels.push_back(Amount::percent(percent));
  return options;
}

std::vector<std::byte> pruned_bytes(const Model& model, const PrunePlan& plan, std::size_t level, std::size_t index) {
  const TensorView& tensor = model.tensor(model.parameters[plan.parameters[index]]);
  std::vector<std::byte> bytes(tensor.bytes.size());
  plan.levels[level].cuts[index].mask.copy(tensor, 0, tensor.elements(), bytes.data());
  return bytes;
}

/// A model and its statistics.
struct Saved {
  explicit Saved(const std::string& name, bool norms_only = false)
      : model(open_model(small_model(name))), file(directory.path() / "statistics.safetensors") {
    summary = write_statistics(model, few_windows(), file, {norms_only});
  }
  /// A copy of the file with other bytes at the beginning of the data of a tensor.
  std::filesystem::path with_number(const std::string& tensor, double number) const {
    const Checkpoint checkpoint = Checkpoint::open(file.string());
    std::string bytes = test::read_text(file);
    const auto* begin = checkpoint.find(tensor)->bytes.data();
    std::size_t offset = 8;
    std::uint64_t length = 0;
    std::memcpy(&length, bytes.data(), sizeof length);
    offset += length;
    for (const TensorView& view : checkpoint.tensors()) {
      if (view.bytes.data() == begin) break;
      offset += view.bytes.size();
    }
    std::memcpy(bytes.data() + offset, &number, sizeof number);
    return rewritten(bytes);
  }
  std::filesystem::path with_text(std::string_view from, std::string_view to) const {
    std::string bytes = test::read_text(file);
    bytes.replace(bytes.find(from), from.size(), to);
    return rewritten(bytes);
  }
  std::filesystem::path rewritten(const std::string& bytes) const {
    const std::filesystem::path other = directory.path() / "other.safetensors";
    test::write_text(other, bytes);
    return other;
  }

  test::TemporaryDirectory directory;
  Model model;
  std::filesystem::path file;
  StatisticsSummary summary;
};

/// Sums of x_i x_j, in double, of every linear on its own.
std::map<std::string, std::vector<double>> sums_of_runner(const Model& model) {
  std::map<std::string, std::vector<double>> sums;
  const auto observe = [&](const LayerUse& linear, const Matrix& inputs) {
    const std::size_t n = inputs.columns;
    std::vector<double>& sum = sums[linear.name];
    sum.resize(n * n);
    for (std::size_t row = 0; row < inputs.rows; ++row)
      for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = i; j < n; ++j)
          sum[i * n + j] += static_cast<double>(inputs.row(row)[i]) * static_cast<double>(inputs.row(row)[j]);
  };
  const auto runner = open_runner(model, {KernelChoice::kDense, {}, observe}, Context(1));
  const calibrate::CalibrationText text = calibrate::read_calibration_text(model, *runner, few_windows());
  sums.clear();
  for (const TokenBatch& batch : text.batches) runner->hidden_states(batch, Context(1));
  return sums;
}

TEST(Statistics, AreSumsOverWhatLinearsRead) {
  const Saved saved("gpt2-world");
  const calibrate::StatisticsFile file(saved.file, saved.model);
  const std::map<std::string, std::vector<double>> sums = sums_of_runner(saved.model);
  std::size_t linears = 0;
  for (const calibrate::StatisticsFile::Entry& entry : file.entries()) {
    EXPECT_EQ(entry.tokens, 5U * 32);
    const calibrate::SharedInputs inputs = file.load(entry, true);
    for (const std::string& linear : entry.linears) {
      ++linears;
      const std::vector<double>& expected = sums.at(linear);
      const std::size_t n = inputs.in;
      ASSERT_EQ(expected.size(), n * n);
      for (std::size_t i = 0; i < n; ++i) {
        ASSERT_NEAR(inputs.squares[i], expected[i * n + i], 1e-12 * expected[i * n + i]) << linear;
        for (std::size_t j = i; j < n; ++j)
          ASSERT_NEAR(inputs.products.data()[i * n + j], expected[i * n + j],
                      1e-5 * std::sqrt(expected[i * n + i] * expected[j * n + j]))
              << linear << ' ' << i << ' ' << j;
      }
    }
  }
  EXPECT_EQ(linears, calibrate::widths_of_linears(saved.model).size());
}

TEST(Statistics, AreSharedByLinearsThatReadTheSame) {
  const Saved saved("bert-world");
  const calibrate::StatisticsFile file(saved.file, saved.model);
  EXPECT_EQ(file.entries().front().linears.size(), 3U);  // query, key and value
  EXPECT_EQ(file.record().sequences, 5U);
  EXPECT_EQ(file.record().length, 32U);
  EXPECT_EQ(file.record().file, "lm.txt");
}

TEST(Statistics, AreTheSameForAnyNumberOfThreads) {
  const Saved saved("t5-world");
  const std::filesystem::path other = saved.directory.path() / "other";
  write_statistics(saved.model, few_windows(), other, {}, Context(3));
  EXPECT_TRUE(test::read_text(saved.file) == test::read_text(other));
}

class ByStatistics : public testing::TestWithParam<Criterion> {};

TEST_P(ByStatistics, PrunesTheFirstLayerAsTheTextDoes) {
  for (const char* name : {"gpt2-world", "bert-world", "t5-world"}) {
    const Saved saved(name);
    PruneOptions options = levels(GetParam(), {"50", "70"});
    options.refit = GetParam() == Criterion::kWanda;
    CalibrationOptions whole_layers = few_windows();
    whole_layers.true_sequential = false;
    const PrunePlan text = plan_calibrated(saved.model, options, whole_layers),
                    file = plan_calibrated(saved.model, options, by_file(saved.file));
    ASSERT_EQ(file.parameters, text.parameters);
    bool differs = false;
    for (std::size_t level = 0; level < 2; ++level) {
      EXPECT_EQ(file.levels[level].zeros, text.levels[level].zeros);
      for (std::size_t i = 0; i < file.parameters.size(); ++i) {
        const Parameter& parameter = saved.model.parameters[file.parameters[i]];
        const bool same = pruned_bytes(saved.model, file, level, i) == pruned_bytes(saved.model, text, level, i);
        EXPECT_TRUE(same || parameter.layer != 0 || parameter.stack == "decoder") << name << ' ' << parameter.name;
        differs |= !same;
      }
    }
    EXPECT_TRUE(differs) << name;
    EXPECT_EQ(file.calibration->statistics, "statistics.safetensors");
    EXPECT_EQ(file.calibration->xxh3_128, text.calibration->xxh3_128);
    EXPECT_EQ(file.notes.size(), text.notes.size() + 1);
  }
}

TEST_P(ByStatistics, KeepsTwoOfFour) {
  const Saved saved("gpt2-world");
  PruneOptions options;
  options.criterion = GetParam();
  options.pattern = Pattern::parse("2:4");
  const PrunePlan plan = plan_calibrated(saved.model, options, by_file(saved.file));
  EXPECT_EQ(2 * plan.levels[0].zeros, plan.candidates);
}

INSTANTIATE_TEST_SUITE_P(Criteria, ByStatistics,
                         testing::Values(Criterion::kWanda, Criterion::kSparseGpt, Criterion::kAlps),
                         [](const auto& test) { return std::string(criterion_name(test.param)); });

TEST(Statistics, RefitWhatMagnitudeChose) {
  const Saved saved("gpt2-world");
  PruneOptions options = levels(Criterion::kMagnitude, {"60"});
  options.refit = true;
  CalibrationOptions whole_layers = few_windows();
  whole_layers.true_sequential = false;
  const PrunePlan text = plan_calibrated(saved.model, options, whole_layers),
                  file = plan_calibrated(saved.model, options, by_file(saved.file));
  EXPECT_EQ(file.levels[0].zeros, text.levels[0].zeros);
  for (std::size_t i = 0; i < file.parameters.size(); ++i) {
    const bool same = pruned_bytes(saved.model, file, 0, i) == pruned_bytes(saved.model, text, 0, i);
    EXPECT_TRUE(same || saved.model.parameters[file.parameters[i]].layer != 0) << i;
  }
}

TEST(Statistics, OfNormsAreEnoughForWandaAndOwl) {
  const Saved saved("gpt2-world", true), whole("gpt2-world");
  EXPECT_LT(std::filesystem::file_size(saved.file), std::filesystem::file_size(whole.file) / 20);
  const PruneOptions options = levels(Criterion::kWanda, {"50"});
  CalibrationOptions owl = by_file(saved.file), owl_of_text = few_windows();
  owl.allocation = owl_of_text.allocation = AllocationKind::kOwl;
  const PrunePlan file = plan_calibrated(saved.model, options, owl),
                  text = plan_calibrated(saved.model, options, owl_of_text);
  for (std::size_t i = 0; i < file.parameters.size(); ++i)
    EXPECT_NEAR(file.levels[0].sets[i].amount.fraction, text.levels[0].sets[i].amount.fraction, 1e-4);
  EXPECT_THAT([&] { plan_calibrated(saved.model, levels(Criterion::kAlps, {"50"}), by_file(saved.file)); },
              ThrowsError(ErrorCode::kUnsupported, saved.file, "h.0.attn.c_attn.input_products", {"--norms-only"}));
}

TEST(Statistics, ThatSawNoTokenLeaveMagnitude) {
  const Saved saved("gpt2-world");
  const std::filesystem::path file =
      saved.with_text(R"(c_attn.weight\"],\"tokens\":160)", R"(c_attn.weight\"],\"tokens\":  0)");
  const PrunePlan plan = plan_calibrated(saved.model, levels(Criterion::kSparseGpt, {"50"}), by_file(file));
  ASSERT_EQ(plan.notes.size(), 2U);
  EXPECT_THAT(plan.notes[1], testing::HasSubstr("magnitude: h.0.attn.c_attn.weight"));
  PruneOptions magnitude = levels(Criterion::kMagnitude, {"50"});
  magnitude.scope = Scope::kPerTensor;
  magnitude.include = {"h.0.attn.c_attn.weight"};
  EXPECT_EQ(pruned_bytes(saved.model, plan, 0, 0),
            pruned_bytes(saved.model, plan_pruning(saved.model, magnitude), 0, 0));
}

TEST(Statistics, OfAnotherModelAreRefused) {
  const Saved saved("gpt2-world");
  const Model other = open_model(small_model("bert-world"));
  EXPECT_THAT([&] { plan_calibrated(other, levels(Criterion::kWanda, {"50"}), by_file(saved.file)); },
              ThrowsError(ErrorCode::kMismatch, saved.file, "", {"another model than bert-world"}));
}

TEST(Statistics, ThatAreDamagedAreRefused) {
  const Saved saved("gpt2-world");
  const PruneOptions options = levels(Criterion::kSparseGpt, {"50"});
  const auto prune = [&](const std::filesystem::path& file) {
    return [&, file] { plan_calibrated(saved.model, options, by_file(file)); };
  };
  const std::string squares = "h.0.attn.c_attn.input_squares", products = "h.0.attn.c_attn.input_products";
  const std::filesystem::path other = saved.directory.path() / "other.safetensors";
  EXPECT_THAT(prune(saved.directory.path() / "none"),
              ThrowsError(ErrorCode::kNotFound, saved.directory.path() / "none"));
  EXPECT_THAT(prune(saved.with_number(squares, NAN)), ThrowsError(ErrorCode::kMalformed, other, squares, {"nan"}));
  EXPECT_THAT(prune(saved.with_number(squares, -1)), ThrowsError(ErrorCode::kMalformed, other, squares, {"-1"}));
  EXPECT_THAT(prune(saved.with_number(products, NAN)), ThrowsError(ErrorCode::kMalformed, other, products, {"nan"}));
  EXPECT_THAT(prune(saved.with_number(products, INFINITY)), ThrowsError(ErrorCode::kMalformed, other, products));
  EXPECT_THAT(prune(saved.with_number(products, -1)), ThrowsError(ErrorCode::kMalformed, other, products));
  EXPECT_THAT(prune(saved.with_number(products, 1e30)), ThrowsError(ErrorCode::kMalformed, other, products));
  EXPECT_THAT(prune(saved.with_text("F64", "I64")), ThrowsError(ErrorCode::kMalformed, other, squares, {"F64", "I64"}));
  EXPECT_THAT(prune(saved.with_text("attn.c_attn.input_squares", "attn.c_attn.input_sqrares")),
              ThrowsError(ErrorCode::kMalformed, other, squares));
  EXPECT_THAT(prune(saved.with_text(R"(\"h.0.attn.c_attn.weight)", R"(\"h.0.attn.c_atti.weight)")),
              ThrowsError(ErrorCode::kMismatch, other, "h.0.attn.c_atti.weight"));
  EXPECT_THAT(prune(saved.with_text(R"(pare.statistics":"1")", R"(pare.statistics":"2")")),
              ThrowsError(ErrorCode::kUnsupported, other, "", {"expected 1, found 2"}));
  EXPECT_THAT(prune(saved.with_text("pare.statistics", "pare.statistica")),
              ThrowsError(ErrorCode::kUnsupported, other));
  const std::string bytes = test::read_text(saved.file);
  for (const std::size_t size : {std::size_t{0}, std::size_t{100}, bytes.size() / 2, bytes.size() - 1})
    EXPECT_THROW(prune(saved.rewritten(bytes.substr(0, size)))(), Error) << size;
}

TEST(Statistics, WithAShapeThatTheModelDoesNotHaveAreRefused) {
  const Saved saved("gpt2-world");
  // The same number of bytes as a matrix of one row.
  const std::string width = std::to_string(calibrate::widths_of_linears(saved.model).at("h.0.attn.c_attn.weight"));
  const std::filesystem::path file = saved.with_text("\"shape\":[" + width + "]", "\"shape\":[1," + width + "]");
  std::string bytes = test::read_text(file);
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof length);
  bytes.erase(8 + length, 2);  // of the spaces at the header's end, as many as were added
  test::write_text(file, bytes);
  EXPECT_THAT([&] { plan_calibrated(saved.model, levels(Criterion::kWanda, {"50"}), by_file(file)); },
              ThrowsError(ErrorCode::kMismatch, file, "h.0.attn.c_attn.input_squares", {"[" + width + "]", "[1, "}));
}

TEST(Statistics, ReplaceATextAndDoNotRunTheModel) {
  const Saved saved("gpt2-world");
  const auto prune = [&](const CalibrationOptions& calibration) {
    return [&, calibration] { plan_calibrated(saved.model, levels(Criterion::kWanda, {"50"}), calibration); };
  };
  CalibrationOptions both = few_windows();
  both.statistics = saved.file;
  EXPECT_THAT(prune(both), ThrowsError(ErrorCode::kArgument, saved.file));
  CalibrationOptions second = by_file(saved.file);
  second.allocation = AllocationKind::kSecondOrder;
  EXPECT_THAT(prune(second), ThrowsError(ErrorCode::kArgument, saved.file, "", {"second-order"}));
  CalibrationOptions resumed = by_file(saved.file);
  resumed.resume = saved.directory.path() / "resume";
  EXPECT_THAT(prune(resumed), ThrowsError(ErrorCode::kArgument, saved.file));
}

TEST(Statistics, AreForOneProcess) {
  const Saved saved("gpt2-world");
  const std::filesystem::path other = saved.directory.path() / "other";
  test::run_group(2, [&](unsigned, const Context& context) {
    EXPECT_THAT([&] { write_statistics(saved.model, few_windows(), other, {}, context); },
                ThrowsError(ErrorCode::kArgument, other));
    EXPECT_THAT([&] { plan_calibrated(saved.model, levels(Criterion::kWanda, {"50"}), by_file(saved.file), context); },
                ThrowsError(ErrorCode::kArgument, saved.file));
  });
  EXPECT_FALSE(std::filesystem::exists(other));
}

TEST(Statistics, AreNotReplacedOrHalfWritten) {
  const Saved saved("gpt2-world");
  EXPECT_THAT([&] { write_statistics(saved.model, few_windows(), saved.file); },
              ThrowsError(ErrorCode::kExists, saved.file));
  const Context context(2);
  const Context stopping = context.with_progress([&](const Progress& progress) {
    if (progress.fraction > 0.3) context.stop();
  });
  EXPECT_THROW(write_statistics(saved.model, few_windows(), saved.directory.path() / "new", {}, stopping), Interrupted);
  std::size_t files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(saved.directory.path())) ++files;
  EXPECT_EQ(files, 1U);
}

}  // namespace
}  // namespace pare::saved_statistics
