// Tables, JSON and sentences of a bench with made-up figures.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "pare/json.h"
#include "report/study_speed.h"
#include "table/bench_tables.h"

namespace pare::report {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::string joined(const Sentences& sentences) {
  std::string text;
  for (const std::string& sentence : sentences) text += sentence + '\n';
  return text;
}

PassTimes times(double many, double step, double flops, double bytes) {
  PassTimes result;
  result.many = {many, many * 0.9, many * 1.1};
  result.step = {step, step, step};
  for (int i = 1; i <= 100; ++i) result.steps.push_back(step * i / 50);
  result.many_work = {flops, 1e9};
  result.step_work = {flops / 100, bytes};
  return result;
}

LayerUse layer(Kernel kernel) { return {"w", 10, 20, 100, kernel, 800}; }

/// Dense: 0.1 s for 200 tokens, 0.02 s for one. At 90 % four and five times as fast.
BenchResult made_up() {
  BenchResult result;
  result.model = "m";
  result.decodes = true;
  result.threads = 2;
  result.sequences = 2;
  result.length = 100;
  result.context = 64;
  result.runs = 5;
  result.machine = {20e9, 100e9};
  result.dense_load = {{0.5, 0.4, 0.6}, 1'000'000};
  BenchLevel dense, sparse;
  dense.weights = sparse.weights = 1000;
  dense.sizes = {1'000'000, 1'000'100, 900'000, 920'000};
  dense.dense = dense.sparse = times(0.1, 0.02, 8e9, 200e6);
  dense.many_ratio = dense.step_ratio = {1, 0.98, 1.02};
  dense.many_layers = dense.step_layers = {layer(Kernel::kDense)};
  sparse.label = "90";
  sparse.zeros = 900;
  sparse.sizes = {1'000'000, 200'000, 180'000, 250'000};
  sparse.dense = times(0.1, 0.02, 8e9, 200e6);
  sparse.sparse = times(0.025, 0.004, 8e8, 40e6);
  sparse.many_ratio = {4, 3.9, 4.1};
  sparse.step_ratio = {5, 4.9, 5.1};
  sparse.many_layers = {layer(Kernel::kSliced), layer(Kernel::kSliced), layer(Kernel::kDense)};
  sparse.step_layers = {layer(Kernel::kMasked)};
  result.levels = {dense, sparse};
  return result;
}

std::string cell(const Table& table, std::size_t row, const std::string& title) {
  for (std::size_t i = 0; i < table.columns.size(); ++i)
    if (table.columns[i].title == title) return std::get<std::string>(table.rows.at(row).at(i));
  return "no such column";
}

TEST(BenchTables, TellRatesRatiosAndSharesOfTheMachine) {
  const Table many = prefill_table(made_up());
  EXPECT_EQ(cell(many, 1, "level"), "90 %");
  EXPECT_EQ(cell(many, 1, "dense tokens/s"), "2,000");
  EXPECT_EQ(cell(many, 1, "sparse tokens/s"), "8,000");
  EXPECT_EQ(cell(many, 1, "speed-up"), "4.00 x (3.90 to 4.10)");
  EXPECT_EQ(cell(many, 1, "dense: of peak"), "80 %");   // 8e9 in 0.1 s, of 100e9 a second
  EXPECT_EQ(cell(many, 1, "sparse: of peak"), "32 %");  // 8e8 in 0.025 s
  EXPECT_EQ(cell(many, 1, "layers by kernel"), "2 sliced, 1 dense");
  const Table step = decode_table(made_up());
  EXPECT_EQ(cell(step, 0, "level"), "as it is");
  EXPECT_EQ(cell(step, 1, "dense tokens/s"), "50.0");
  EXPECT_EQ(cell(step, 1, "by bytes alone"), "5.00 x");
  EXPECT_EQ(cell(step, 1, "dense: of bandwidth"), "50 %");  // 200e6 in 0.02 s, of 20e9 a second
  EXPECT_EQ(cell(latency_table(made_up()), 1, "dense p50"), "20.00 ms");
  EXPECT_EQ(cell(latency_table(made_up()), 1, "sparse p50"), "4.00 ms");
}

TEST(BenchTables, CountSizesInSharesOfDense) {
  const Table table = sizes_table(made_up());
  EXPECT_EQ(cell(table, 1, "packed"), "200.0 kB");
  EXPECT_THAT(to_csv(table), HasSubstr(",20,"));
}

TEST(BenchTables, OfAnEncoderHaveNoSingleTokens) {
  BenchResult result = made_up();
  result.decodes = false;
  EXPECT_THAT(bench_text({result}, Markup::kText), Not(HasSubstr("One token at a time")));
  const nlohmann::json json = nlohmann::json::parse(bench_json({result}));
  EXPECT_FALSE(json["results"][0]["levels"][0].contains("decode"));
}

TEST(BenchTables, WithoutSizesLeaveThemOut) {
  BenchResult result = made_up();
  for (BenchLevel& level : result.levels) level.sizes = {};
  EXPECT_THAT(bench_text({result}, Markup::kText), Not(HasSubstr("Size on disk")));
  const Table csv = bench_csv_table({result});
  for (const auto& row : csv.rows) EXPECT_EQ(row.size(), csv.columns.size());
  EXPECT_THAT(size_findings(result), IsEmpty());
}

TEST(BenchJson, HasEveryFigure) {
  const nlohmann::json json = nlohmann::json::parse(bench_json({made_up()}))["results"][0];
  EXPECT_TRUE(json["levels"][0]["level"].is_null());
  const nlohmann::json& level = json["levels"][1];
  EXPECT_EQ(level["bytes"]["packed"], 200'000);
  EXPECT_DOUBLE_EQ(level["prefill"]["sparse"]["share_of_peak"].get<double>(), 0.32);
  EXPECT_EQ(level["prefill"]["kernels"]["sliced"], 2);
  EXPECT_DOUBLE_EQ(level["decode"]["speed_up_by_bytes"].get<double>(), 5);
  EXPECT_DOUBLE_EQ(level["decode"]["sparse"]["latency_seconds"]["p99"].get<double>(), 0.004 * 99 / 50);
}

TEST(BenchRemarks, TellOfNoiseCacheAndForeignCosts) {
  BenchResult result = made_up();
  EXPECT_THAT(joined(bench_remarks(result)), AllOf(HasSubstr("the noise"), HasSubstr("pare tune"),
                                                   HasSubstr("20.0 GB/s"), Not(HasSubstr("Above 100 %"))));
  result.measured_costs = true;
  result.levels[0].many_layers[0].kernel = Kernel::kSliced;
  result.machine.bytes_a_second = 1e9;
  EXPECT_THAT(joined(bench_remarks(result)),
              AllOf(Not(HasSubstr("the noise")), Not(HasSubstr("pare tune")), HasSubstr("Above 100 %")));
}

TEST(SpeedFindings, TellFasterSlowerAndNeitherApart) {
  BenchResult result = made_up();
  EXPECT_THAT(joined(speed_findings(result)),
              AllOf(HasSubstr("With 2 x 100 tokens at once the pruned model is faster than its dense self: 4.00 x at "
                              "90 %."),
                    HasSubstr("One token at a time, the pruned model is faster than its dense self: 5.00 x at 90 %."),
                    Not(HasSubstr("slower")), Not(HasSubstr("agree")), Not(HasSubstr("is small"))));
  result.levels[1].step_ratio = {0.8, 0.7, 0.9};
  EXPECT_THAT(joined(speed_findings(result)), HasSubstr("One token at a time, it is slower, in every run: 0.80 x"));
  result.levels[1].step_ratio = {1.01, 0.9, 1.1};
  EXPECT_THAT(joined(speed_findings(result)), HasSubstr("the runs do not agree which is faster: 1.01 x"));
}

TEST(SpeedFindings, TakeRatiosOfTheSameKernelsForNoise) {
  BenchResult result = made_up();
  result.levels[1].many_layers = {layer(Kernel::kDense)};
  EXPECT_THAT(joined(speed_findings(result)),
              AllOf(HasSubstr("at once no layer takes a sparse kernel at 90 %."), Not(HasSubstr("4.00 x"))));
}

TEST(SpeedFindings, AreModestAboutSmallModels) {
  BenchResult result = made_up();
  result.levels[0].dense.many_work.bytes = result.levels[0].dense.step_work.bytes = 2e6;
  EXPECT_THAT(joined(speed_findings(result)), HasSubstr("This model is small: its weights (2.0 MB as floats)"));
  // Where kernels are chosen by the costs of small models, and nowhere else.
  for (const std::uint64_t more : {0, 1}) {
    double& bytes = result.levels[0].dense.step_work.bytes;
    bytes = static_cast<double>(kSmallModelBytes + more);
    EXPECT_EQ(joined(speed_findings(result)).find("model is small") == std::string::npos, more == 1);
  }
}

TEST(SizeFindings, ClaimToBeatGzipOnlyWhereTrue) {
  BenchResult result = made_up();
  EXPECT_THAT(joined(size_findings(result)), AllOf(HasSubstr("20.00 % at 90 %"), HasSubstr("smaller than what gzip")));
  result.levels[1].sizes.gzip = 190'000;
  EXPECT_THAT(joined(size_findings(result)), HasSubstr("Packed with zstd they are at every level smaller"));
  result.levels[1].sizes.gzip = 170'000;
  EXPECT_THAT(joined(size_findings(result)), Not(HasSubstr("gzip")));
}

/// Accuracy of 0.8 dense, and `pruned` at 90 %.
TaskCurve curve(double pruned) {
  TaskCurve curve;
  curve.results.task = Task::kLambada;
  curve.main_score = "accuracy";
  for (const double value : {0.8, pruned}) {
    EvalRow row;
    row.evaluation.scores = {{"accuracy", value, {}}};
    curve.results.rows.push_back(row);
  }
  return curve;
}

TEST(TradeOff, NamesTheFastestLevelThatKeepsTheScore) {
  PrunePlan plan;
  plan.levels.resize(1);
  plan.levels[0].amount = Amount::percent("90");
  EXPECT_THAT(
      joined(trade_off_findings(curve(0.79), plan, made_up())),
      HasSubstr("90 % is the fastest: 5.00 times as fast as dense, one token at a time, in 20.00 % of the room."));
  EXPECT_THAT(joined(trade_off_findings(curve(0.2), plan, made_up())),
              HasSubstr("At every level the accuracy is a tenth worse than the dense model's, or more."));
  BenchResult noisy = made_up();
  noisy.levels[1].step_ratio.low = 0.99;
  EXPECT_THAT(joined(trade_off_findings(curve(0.79), plan, noisy)), HasSubstr("No level at which the accuracy"));
  BenchResult dense = made_up();
  dense.levels[1].step_layers = {layer(Kernel::kDense)};
  EXPECT_THAT(joined(trade_off_findings(curve(0.79), plan, dense)), HasSubstr("No level at which the accuracy"));
}

TEST(TradeOff, ChartHasEveryLevelAsALabelledPoint) {
  const chart::TradeOffChart chart = trade_off_chart(curve(0.5), made_up());
  ASSERT_EQ(chart.panels.size(), 2U);
  EXPECT_EQ(chart.panels[0].points[1].x, 5);
  EXPECT_EQ(chart.panels[1].points[1].x, 20);
  EXPECT_TRUE(chart.panels[0].points[0].dense);
  EXPECT_THAT(chart::trade_off_script(chart, chart::PictureFormat::kPng),
              AllOf(HasSubstr("'90 %'"), HasSubstr("'dense'")));
}

}  // namespace
}  // namespace pare::report
