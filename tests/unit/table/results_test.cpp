// Results of every kind as public tables, text and JSON. The figures are written by hand.
#include "pare/results.h"

#include <gmock/gmock.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "pare/json.h"
#include "table/wording.h"

namespace pare {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

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

TEST(TuneResults, HaveARowPerNumberOfTokens) {
  const KernelCosts costs = standard_kernel_costs();
  EXPECT_EQ(tune_table(costs).rows.size(), costs.points.size());
  const json object = json::parse(tune_json(costs));
  EXPECT_EQ(object["measured"], false);
  EXPECT_EQ(object["nanoseconds"].size(), costs.points.size());
}

}  // namespace
}  // namespace pare
