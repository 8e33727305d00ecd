// Sentences and charts about a bench with made-up figures.
#include "report/study_speed.h"

#include <gmock/gmock.h>

#include "unit/table/made_up_bench.h"

namespace pare::report {
namespace {

using test::joined;
using test::layer;
using test::made_up;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST(SpeedFindings, TellFasterSlowerAndNeitherApart) {
  BenchResult result = made_up();
  EXPECT_THAT(joined(speed_findings(result)),
              AllOf(HasSubstr("With 2 x 100 tokens at once the pruned model is faster than its dense self: 4.00 x at "
                              "90 %."),
                    HasSubstr("One token at a time, the pruned model is faster than its dense self: 5.00 x at 90 %."),
                    Not(HasSubstr("slower")), Not(HasSubstr("agree")), Not(HasSubstr("is small"))));
  result.levels[1].decode_ratio = {0.8, 0.7, 0.9};
  EXPECT_THAT(joined(speed_findings(result)), HasSubstr("One token at a time, it is slower, in every run: 0.80 x"));
  result.levels[1].decode_ratio = {1.01, 0.9, 1.1};
  EXPECT_THAT(joined(speed_findings(result)), HasSubstr("the runs do not agree which is faster: 1.01 x"));
}

TEST(SpeedFindings, TakeRatiosOfTheSameKernelsForNoise) {
  BenchResult result = made_up();
  result.levels[1].prefill_layers = {layer(Kernel::kDense)};
  EXPECT_THAT(joined(speed_findings(result)),
              AllOf(HasSubstr("at once no layer takes a sparse kernel at 90 %."), Not(HasSubstr("4.00 x"))));
}

TEST(SpeedFindings, AreModestAboutSmallModels) {
  BenchResult result = made_up();
  result.levels[0].dense.prefill_work.bytes = result.levels[0].dense.decode_work.bytes = 2e6;
  EXPECT_THAT(joined(speed_findings(result)), HasSubstr("This model is small: its weights (2.0 MB as floats)"));
  // The note appears only if kernels are chosen by the costs of small models.
  for (const std::uint64_t more : {0, 1}) {
    double& bytes = result.levels[0].dense.decode_work.bytes;
    bytes = static_cast<double>(kSmallModelBytes + more);
    EXPECT_EQ(joined(speed_findings(result)).find("model is small") == std::string::npos, more == 1);
  }
}

TEST(SizeFindings, AreEmptyWithoutSizes) {
  BenchResult result = made_up();
  for (BenchLevel& level : result.levels) level.sizes = {};
  EXPECT_THAT(size_findings(result), IsEmpty());
}

TEST(SizeFindings, ClaimToBeatGzipOnlyWhereTrue) {
  BenchResult result = made_up();
  EXPECT_THAT(joined(size_findings(result)),
              AllOf(HasSubstr("20.00 % at 90 %"), HasSubstr("smaller than the dense files compressed by gzip")));
  result.levels[1].sizes.gzip = 190'000;
  EXPECT_THAT(joined(size_findings(result)), HasSubstr("Packed with zstd, they are at every level smaller"));
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
  noisy.levels[1].decode_ratio.low = 0.99;
  EXPECT_THAT(joined(trade_off_findings(curve(0.79), plan, noisy)), HasSubstr("No level at which the accuracy"));
  BenchResult dense = made_up();
  dense.levels[1].decode_layers = {layer(Kernel::kDense)};
  EXPECT_THAT(joined(trade_off_findings(curve(0.79), plan, dense)), HasSubstr("No level at which the accuracy"));
}

TEST(TradeOff, ChartHasEveryLevelAsALabeledPoint) {
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
