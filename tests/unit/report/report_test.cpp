// Whole reports of a small model: figures against plain loops, sections, refusals, nothing left behind.
#include "pare/report.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "pare/error.h"
#include "report/study.h"
#include "report/study_findings.h"
#include "support/files.h"
#include "support/small_models.h"
#include "tiny_model.h"

namespace pare {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using test::TinyModel;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class Report : public testing::Test {
 protected:
  void TearDown() override { ::unsetenv("PARE_GNUPLOT"); }

  fs::path out() const { return root_ / "study"; }
  json results() const { return json::parse(test::read_text(out() / "results.json")); }
  std::size_t entries() const { return test::names_in(root_.path()).size(); }

  /// The arrays that results.json's figures are checked against.
  void expect_figures(const json& model, const TinyModel& tiny, Measure measure, Scope scope) const {
    std::vector<double> all;
    for (const auto& values : tiny.values()) all.insert(all.end(), values.begin(), values.end());
    const auto n = static_cast<double>(all.size());
    EXPECT_EQ(model["overall"]["parameters"], all.size());
    EXPECT_DOUBLE_EQ(model["overall"]["share_percent"].get<double>(),
                     100 * static_cast<double>(test::count_big(all, measure, 0.1)) / n);
    const json& levels = model["pruning"]["levels"];
    ASSERT_EQ(levels.size(), 5U);
    const double fractions[] = {0.1, 0.5, 0.9, 0.95, 0.99};
    for (std::size_t i = 0; i < levels.size(); ++i) {
      const auto pruned = tiny.pruned(fractions[i], scope);
      std::uint64_t big = 0, zeros = 0, taken_zeros = 0;
      double largest_gone = 0;
      for (std::size_t t = 0; t < pruned.size(); ++t) {
        big += test::count_big(pruned[t], measure, 0.1);
        zeros += test::count_zeros(pruned[t]);
        if (!tiny.parameters()[t].prunable) continue;
        taken_zeros += test::count_zeros(pruned[t]);
        for (std::size_t k = 0; k < pruned[t].size(); ++k)
          if (pruned[t][k] == 0) largest_gone = std::max(largest_gone, std::abs(tiny.values()[t][k]));
      }
      EXPECT_EQ(levels[i]["zeros"], zeros);
      EXPECT_DOUBLE_EQ(levels[i]["share_after_percent"].get<double>(), 100 * static_cast<double>(big) / n);
      EXPECT_DOUBLE_EQ(levels[i]["sparsity_percent"].get<double>(), 100 * static_cast<double>(taken_zeros) / 7200);
      if (scope == Scope::kGlobal)
        EXPECT_DOUBLE_EQ(levels[i]["threshold"].get<double>(), largest_gone);
      else
        EXPECT_TRUE(levels[i]["threshold"].is_null());
      ASSERT_EQ(levels[i]["layers"].size(), 3U);
      const std::uint64_t layer = test::count_zeros(pruned[1]) + test::count_zeros(pruned[2]);
      EXPECT_EQ(levels[i]["layers"][0]["zeros"], layer);
      EXPECT_EQ(levels[i]["layers"][0]["weights"], 2400U);
    }
  }

  test::TemporaryDirectory root_;
};

TEST_F(Report, FiguresEqualPlainLoops) {
  const TinyModel tiny;
  EXPECT_EQ(write_report({tiny.model()}, out()), out() / "report.md");
  const json all = results();
  EXPECT_EQ(all["schema"], 1);
  EXPECT_EQ(all["measure"], "magnitude");
  ASSERT_EQ(all["models"].size(), 1U);
  expect_figures(all["models"][0], tiny, Measure::kMagnitude, Scope::kGlobal);
}

TEST_F(Report, FiguresEqualPlainLoopsInTheOtherMeasureAndScope) {
  const TinyModel tiny;
  ReportOptions options;
  options.measure = Measure::kSigned;
  options.scope = Scope::kPerTensor;
  write_report({tiny.model()}, out(), options);
  EXPECT_EQ(results()["measure"], "signed");
  expect_figures(results()["models"][0], tiny, Measure::kSigned, Scope::kPerTensor);
}

TEST_F(Report, HasEverySectionAndEveryFileItLinksTo) {
  ReportOptions options;
  options.command = "pare report one two";
  write_report({TinyModel("one").model(), TinyModel("two").model()}, out(), options);
  const std::string text = test::read_text(out() / "report.md");
  for (const char* part :
       {"# Sparsity study: one and two", "`pare report one two`", "## Side by side", "### By group: \\|w\\| > 0.1",
        "### Before and after pruning", "## one", "## two", "A note with \\*stars\\*.",
        "### Shares: how many parameters are big", "### By layer", "### The long tail", "### Pruning",
        "### Sparsity by layer at each level", "## How long it took", "<details><summary>Every layer</summary>"})
    EXPECT_THAT(text, HasSubstr(part));
  std::size_t links = 0;
  for (std::size_t at = text.find("]("); at != std::string::npos; at = text.find("](", at + 2), ++links) {
    const std::string target = text.substr(at + 2, text.find(')', at) - at - 2);
    EXPECT_TRUE(fs::is_regular_file(out() / target)) << target;
  }
  EXPECT_GE(links, 3U + 2 * 6 + 1);
  EXPECT_EQ(test::read_text(out() / "charts" / "one-histogram.png").substr(1, 3), "PNG");
  EXPECT_THAT(test::read_text(out() / "tables" / "one.csv"), testing::StartsWith("tensor,parameters,share_percent,"));
}

TEST_F(Report, PutsPatternsBesideUnstructuredPruning) {
  const TinyModel tiny;
  const Model model = tiny.model();
  ReportOptions options;
  options.compared_patterns = {Pattern::parse("2:4"), Pattern::parse("1:4"), Pattern::parse("rows")};
  write_report({model}, out(), options);
  EXPECT_THAT(test::read_text(out() / "report.md"), HasSubstr("### Patterns at equal sparsity"));
  const json rows = results()["models"][0]["patterns"];
  const std::vector<std::vector<double>> dense = tiny.values();
  const std::pair<const char*, const char*> expected[] = {{"unstructured", "50"}, {"2:4", "50"}, {"rows", "50"},
                                                          {"unstructured", "75"}, {"1:4", "75"}, {"rows", "75"}};
  ASSERT_EQ(rows.size(), 6U);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i]["pattern"], expected[i].first);
    EXPECT_EQ(rows[i]["level"], expected[i].second);
    PruneOptions pruning;
    pruning.pattern = Pattern::parse(expected[i].first);
    if (!pruning.pattern.level()) pruning.levels = {Amount::percent(expected[i].second)};
    const PrunePlan plan = plan_pruning(model, pruning);
    const Model pruned = pruned_model(model, plan, 0);
    double before = 0, after = 0;
    std::uint64_t zeros = 0;
    for (const std::size_t parameter : plan.parameters) {
      const std::vector<double> values = test::values_of(pruned.checkpoint.tensors()[parameter]);
      for (const double w : dense[parameter]) before += w * w;
      for (const double w : values) after += w * w;
      zeros += test::count_zeros(values);
    }
    EXPECT_EQ(rows[i]["zeros"], zeros);
    EXPECT_NEAR(rows[i]["squares_left_percent"].get<double>(), 100 * after / before, 1e-9);
  }
}

TEST_F(Report, PutsCriteriaSideBySide) {
  const Model model = open_model(test::small_model("gpt2-world"));
  ReportOptions options;
  options.levels = {Amount::percent("50"), Amount::percent("80")};
  options.compared_criteria = {Criterion::kAlps, Criterion::kMagnitude, Criterion::kWanda};
  options.calibration.data = std::string(PARE_SOURCE_DIR) + "/demo/heldout/lambada.jsonl";
  options.calibration.sequences = 4;
  options.calibration.length = 32;
  EvalOptions task;
  task.data = std::string(PARE_SOURCE_DIR) + "/demo/heldout/lm.txt";
  task.limit = 4;
  options.evals = {task};
  write_report({model}, out(), options);
  const json found = results()["models"][0]["criteria"];
  EXPECT_EQ(found["calibration"]["sequences"], 4);
  ASSERT_EQ(found["rows"].size(), 6U);
  const char* names[] = {"alps", "magnitude", "wanda"};
  for (std::size_t i = 0; i < 6; ++i) {
    const json& row = found["rows"][i];
    EXPECT_EQ(row["criterion"], names[i % 3]);
    EXPECT_EQ(row["level"], i < 3 ? "50" : "80");
    EXPECT_GT(row["seconds"], 0);
    PruneOptions pruning;
    pruning.criterion = options.compared_criteria[i % 3];
    pruning.levels = {options.levels[i / 3]};
    const PrunePlan plan = is_calibrated(pruning.criterion) ? plan_calibrated(model, pruning, options.calibration)
                                                            : plan_pruning(model, pruning);
    EXPECT_EQ(row["zeros"], plan.levels[0].zeros);
    std::map<int, std::pair<double, double>> layers;
    for (std::size_t k = 0; k < plan.parameters.size(); ++k) {
      const Parameter& parameter = model.parameters[plan.parameters[k]];
      layers[parameter.layer].first += static_cast<double>(plan.levels[0].cuts[k].zeros);
      layers[parameter.layer].second += static_cast<double>(model.tensor(parameter).elements());
    }
    double least = 100, most = 0;
    for (const auto& [layer, share] : layers) {
      least = std::min(least, 100 * share.first / share.second);
      most = std::max(most, 100 * share.first / share.second);
    }
    EXPECT_NEAR(row["least_layer_percent"], least, 1e-9);
    EXPECT_NEAR(row["most_layer_percent"], most, 1e-9);
    EXPECT_EQ(row["scores"][0]["value"], evaluate(pruned_model(model, plan, 0), task).scores[0].value);
  }
  const std::string text = test::read_text(out() / "report.md");
  EXPECT_THAT(text, HasSubstr("### Criteria side by side"));
  EXPECT_THAT(text, HasSubstr("| 80 % | alps | 80.00 % | 80.00 % | 80.00 % | "));
  EXPECT_THAT(text, HasSubstr("](charts/gpt2-world-criteria-1.png)"));
  EXPECT_THAT(test::read_text(out() / "report.html"), HasSubstr("Criteria side by side"));
}

TEST_F(Report, SaysWhyCriteriaCouldNotBeCompared) {
  ReportOptions options;
  options.compared_criteria = {Criterion::kMagnitude, Criterion::kWanda};
  options.calibration.data = std::string(PARE_SOURCE_DIR) + "/demo/heldout/lm.txt";
  write_report({TinyModel().model()}, out(), options);
  EXPECT_THAT(test::read_text(out() / "report.md"), HasSubstr("Not compared: "));
  EXPECT_NE(results()["models"][0]["criteria"]["left_out"], "");
  options.compared_criteria = {Criterion::kMask};
  options.force = true;
  EXPECT_THROW(write_report({TinyModel().model()}, out(), options), Error);
}

TEST_F(Report, PrunesByAPatternWhoseLevelIsFixed) {
  ReportOptions options;
  options.pattern = Pattern::parse("2:4");
  write_report({TinyModel().model()}, out(), options);
  const json pruning = results()["models"][0]["pruning"];
  EXPECT_EQ(pruning["pattern"], "2:4");
  ASSERT_EQ(pruning["levels"].size(), 1U);
  EXPECT_EQ(pruning["levels"][0]["label"], "50");
  EXPECT_THAT(test::read_text(out() / "report.md"),
              HasSubstr("Of every 4 consecutive weights along the input axis the 2 of"));
  EXPECT_THAT(test::read_text(out() / "report.md"), HasSubstr("2:4 does not divide the input axis of 6 tensors"));
}

TEST_F(Report, KeepsThePrunedModelsWhenAsked) {
  const TinyModel tiny("a/b c");
  ReportOptions options;
  options.keep_models = true;
  options.levels = {Amount::percent("50"), Amount::percent("90")};
  write_report({tiny.model()}, out(), options);
  const Checkpoint pruned = Checkpoint::open((out() / "models" / "a-b-c" / "sparsity-90").string());
  const auto want = tiny.pruned(0.9, Scope::kGlobal);
  for (std::size_t i = 0; i < want.size(); ++i) {
    const TensorView* tensor = pruned.find(tiny.parameters()[i].name);
    ASSERT_NE(tensor, nullptr);
    EXPECT_EQ(test::values_of(*tensor), want[i]);
  }
  EXPECT_EQ(results()["models"][0]["pruning"]["levels"][1]["directory"], "models/a-b-c/sparsity-90");
  EXPECT_THAT(test::read_text(out() / "report.md"), HasSubstr("[90 %](models/a-b-c/sparsity-90)"));
}

TEST_F(Report, NamesTheDirectoryOfASingleLevelToo) {
  ReportOptions options;
  options.keep_models = true;
  options.levels = {Amount::percent("90")};
  write_report({TinyModel().model()}, out(), options);
  EXPECT_TRUE(fs::exists(out() / "models" / "tiny" / "sparsity-90" / "model.safetensors"));
}

TEST_F(Report, RefusesWhatIsThereUnlessForced) {
  const TinyModel tiny;
  write_report({tiny.model()}, out());
  EXPECT_THROW(write_report({tiny.model()}, out()), Error);
  ReportOptions options;
  options.force = true;
  options.levels = {Amount::percent("30")};
  write_report({tiny.model()}, out(), options);
  EXPECT_EQ(results()["models"][0]["pruning"]["levels"].size(), 1U);
  EXPECT_EQ(entries(), 1U);
}

TEST_F(Report, NeverReplacesWhatPareDidNotWrite) {
  fs::create_directories(out());
  std::ofstream(out() / "results.json") << "{}";
  ReportOptions options;
  options.force = true;
  const TinyModel tiny;
  EXPECT_THROW(write_report({tiny.model()}, out(), options), Error);
  EXPECT_EQ(test::read_text(out() / "results.json"), "{}");
}

TEST_F(Report, LeavesOutTheChartsThatFail) {
  ::setenv("PARE_GNUPLOT", "/bin/false", 1);
  const TinyModel tiny;
  write_report({tiny.model()}, out());
  EXPECT_EQ(entries(), 1U);
  EXPECT_TRUE(fs::exists(out() / "results.json"));
  EXPECT_TRUE(fs::is_empty(out() / "charts"));
}

TEST_F(Report, RefusesTwoModelsOfOneTitle) {
  const TinyModel tiny;
  EXPECT_THROW(write_report({tiny.model(), tiny.model()}, out()), Error);
  EXPECT_THROW(write_report({}, out()), Error);
  EXPECT_EQ(entries(), 0U);
}

TEST_F(Report, TellsHowFarItIsInRisingOrder) {
  ReportOptions options;
  std::vector<double> done;
  const Context context(1, [&](const Progress& progress) {
    EXPECT_FALSE(progress.step.empty());
    done.push_back(progress.fraction);
  });
  options.keep_models = true;
  const TinyModel tiny;
  write_report({tiny.model()}, out(), options, context);
  EXPECT_TRUE(std::is_sorted(done.begin(), done.end()));
  EXPECT_DOUBLE_EQ(done.back(), 1);
}

TEST(FileSlugs, AreSafeAndDistinct) {
  EXPECT_THAT(report::file_slugs({"gpt2", "a/b c", "GPT2", "../..", "", ".hidden", "tab\there", "ü", "gpt2-2", "gpt2"}),
              ElementsAre("gpt2", "a-b-c", "GPT2-2", "model", "model-2", "hidden", "tab-here", "model-3", "gpt2-2-2",
                          "gpt2-3"));
  EXPECT_LE(report::file_slugs({std::string(1000, 'x')})[0].size(), 100U);
}

TEST(FactorText, ReadsWithoutExponents) {
  EXPECT_EQ(report::factor_text(6.9449), "6.94");
  EXPECT_EQ(report::factor_text(3051.2), "3,050");
  EXPECT_EQ(report::factor_text(1234567), "1,230,000");
}

}  // namespace
}  // namespace pare
