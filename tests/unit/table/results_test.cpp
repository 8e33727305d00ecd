// Results of every kind as public tables, text and JSON. The figures are written by hand.
#include "pare/results.h"

#include <gmock/gmock.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "pare/error.h"
#include "pare/json.h"
#include "table/wording.h"

namespace pare {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST(LevelTitle, AddsPercentToPercentagesOnly) {
  EXPECT_EQ(level_title("90"), "90 %");
  EXPECT_EQ(level_title("99.5"), "99.5 %");
  EXPECT_EQ(level_title("amount-1000"), "amount-1000");
  EXPECT_EQ(level_title(""), "");
  EXPECT_EQ(level_title(BenchLevel{}), "as it is");
}

TEST(Enumeration, ShortensLongLists) {
  EXPECT_EQ(table::enumeration({}, 3), "");
  EXPECT_EQ(table::enumeration({"a", "b"}, 3), "a and b");
  EXPECT_EQ(table::enumeration({"a", "b", "c", "d"}, 3), "a, b, c and d");  // "1 more" would be as long
  EXPECT_EQ(table::enumeration({"a", "b", "c", "d", "e"}, 3), "a, b, c and 2 more");
  EXPECT_EQ(table::enumeration({"a", "b", "c", "d", "e"}), "a, b, c, d and e");
}

PackSummary packed() {
  PackSummary summary;
  summary.tensors = {{"a", DType::kF32, Encoding::kGaps8, 100, 10, 400, 60},
                     {"b", DType::kF32, Encoding::kGaps8, 100, 30, 400, 140},
                     {"c", DType::kF32, Encoding::kDense, 10, 10, 40, 40}};
  summary.dense_bytes = 1000;
  summary.packed_bytes = 400;
  return summary;
}

TEST(PackResults, SumUpTensorsByEncoding) {
  const Table table = pack_encodings_table(packed());
  ASSERT_EQ(table.rows.size(), 3U);  // dense, gaps8, all
  EXPECT_EQ(std::get<std::string>(table.rows[1][0]), "gaps8");
  EXPECT_EQ(std::get<std::uint64_t>(table.rows[1][1]), 2U);
  EXPECT_EQ(std::get<Share>(table.rows[1][6]).part, 200U);
  EXPECT_EQ(std::get<Share>(table.rows[1][6]).whole, 800U);
  EXPECT_EQ(std::get<std::uint64_t>(table.rows[2][2]), 210U);
}

EvalResults scored() {
  EvalResults results;
  results.data = "text";
  EvalRow row;
  row.model = "m";
  row.level = "50";
  row.sparsity = {1, 2};
  row.evaluation.scores = {{"token_perplexity", 8.5, 0.25}, {"kl", std::nan(""), {}}};
  row.evaluation.items = 3;
  results.rows = {row};
  return results;
}

TEST(EvalResultsAsJson, HaveNullForNaN) {
  const json row = json::parse(eval_json(scored()))["results"][0];
  EXPECT_EQ(row["level"], "50");
  EXPECT_EQ(row["sparsity"], 0.5);
  EXPECT_EQ(row["scores"][0]["standard_error"], 0.25);
  EXPECT_TRUE(row["scores"][1]["value"].is_null());
}

EvalResults of_lambada() {
  EvalResults results;
  results.task = Task::kLambada;
  results.data = "l.jsonl";
  EvalRow row;
  row.model = "org/m";
  row.evaluation.scores = {{"accuracy", 0.25, 0.125}, {"perplexity", 8.5, 0.5}};
  row.evaluation.items = 4;
  results.rows = {row, row};
  results.rows[1].level = "50";
  results.rows[1].pattern = "2:4";
  return results;
}

/// The keys are those of a file that lm-evaluation-harness 0.4.13 wrote.
TEST(EvalResultsForLmEval, HaveItsNamesOfTasksAndMetrics) {
  const std::string lines = lm_eval_json(of_lambada());
  const std::size_t end = lines.find('\n');
  const json first = json::parse(lines.substr(0, end)), second = json::parse(lines.substr(end + 1));
  const json expected{{"name", "lambada_openai"},     {"alias", "lambada_openai"}, {"sample_len", 4},
                      {"perplexity,none", 8.5},       {"acc,none", 0.25},          {"acc_stderr,none", 0.125},
                      {"perplexity_stderr,none", 0.5}};
  EXPECT_EQ(first["results"]["lambada_openai"], expected);
  EXPECT_EQ(first["higher_is_better"]["lambada_openai"], (json{{"acc", true}, {"perplexity", false}}));
  EXPECT_EQ(first["versions"]["lambada_openai"], 1.0);
  EXPECT_EQ(first["n-shot"]["lambada_openai"], 0);
  EXPECT_EQ(first["n-samples"]["lambada_openai"], (json{{"original", 4}, {"effective", 4}}));
  EXPECT_EQ(first["model_name_sanitized"], "org__m");
  EXPECT_EQ(second["model_name"], "org/m-2:4-sparsity-50");
  EXPECT_EQ(second["model_name_sanitized"], "org__m-2__4-sparsity-50");
  EXPECT_EQ(second["pare"]["level"], "50");
}

TEST(EvalResultsForLmEval, SayOnlyWhatIsKnown) {
  EvalResults results = of_lambada();
  results.limit = 4;
  results.task = Task::kWikitext;
  results.rows.pop_back();
  results.rows[0].evaluation.scores = {{"word_perplexity", 8.5, {}}};
  const json object = json::parse(lm_eval_json(results));
  EXPECT_EQ(object["n-samples"]["wikitext"], (json{{"effective", 4}})) << "the file may have more";
  EXPECT_EQ(object["results"]["wikitext"]["word_perplexity_stderr,none"], "N/A");
  results.task = Task::kPerplexity;
  EXPECT_FALSE(has_lm_eval_task(results.task));
  EXPECT_THROW(lm_eval_json(results), Error);
}

TEST(EvalResultsAsCsv, HaveAColumnPerNumber) {
  const std::string csv = to_csv(eval_csv_table(scored()));
  EXPECT_THAT(csv, HasSubstr("token_perplexity,token_perplexity_standard_error,kl,kl_standard_error"));
  EXPECT_THAT(csv, HasSubstr("m,50,50,8.5,0.25,nan,,3,"));
}

TEST(SensitivityResults, RankUnitsByMeanDegradation) {
  SensitivityResults results;
  results.sensitivity.score = "kl";
  results.sensitivity.degradation_unit = "nats";
  results.sensitivity.levels = {Amount::percent("50")};
  SensitiveUnit first, second;
  first.name = "layer 0";
  first.degradation = {0.5};
  second.name = "layer 1";
  second.degradation = {0.1};
  results.sensitivity.units = {first, second};
  const Table table = degradation_table(results);
  EXPECT_EQ(table.columns.back().title, "50 %");
  EXPECT_EQ(std::get<std::string>(table.rows[0][1]), "layer 1");
  EXPECT_THAT(json::parse(sensitivity_json(results))["ranking"], ElementsAre("layer 1", "layer 0"));
}

TEST(SensitivityResults, NameACriterionThatNeedsStatistics) {
  SensitivityResults results;
  for (const char* score : {"kl", "token_perplexity", "accuracy"}) {
    results.sensitivity.score = score;
    results.sensitivity.degradation_unit = score_kind(score).share ? "share" : "nats";
    results.sensitivity.criterion = Criterion::kMagnitude;
    results.sensitivity.refit = false;
    results.sensitivity.statistics = "";
    EXPECT_THAT(sensitivity_text(results, Markup::kText), Not(HasSubstr("magnitude")));
    EXPECT_FALSE(json::parse(sensitivity_json(results)).contains("criterion"));
    results.sensitivity.statistics = "s.safetensors";
    results.sensitivity.refit = true;
    EXPECT_THAT(sensitivity_text(results, Markup::kText), HasSubstr("magnitude and refit"));
    results.sensitivity.refit = false;
    results.sensitivity.criterion = Criterion::kAlps;
    EXPECT_THAT(sensitivity_text(results, Markup::kText), AllOf(HasSubstr("by alps"), HasSubstr("s.safetensors")));
    const json object = json::parse(sensitivity_json(results));
    EXPECT_EQ(object["criterion"], "alps");
    EXPECT_EQ(object["refit"], false);
    EXPECT_EQ(object["statistics"], "s.safetensors");
  }
}

TEST(TuneResults, HaveARowPerNumberOfTokens) {
  const KernelCosts costs = standard_kernel_costs();
  EXPECT_EQ(tune_table(costs).rows.size(), costs.points.size());
  const json object = json::parse(tune_json(costs));
  EXPECT_EQ(object["measured"], false);
  EXPECT_EQ(object["nanoseconds"].size(), costs.points.size());
}

}  // namespace
}  // namespace pare
