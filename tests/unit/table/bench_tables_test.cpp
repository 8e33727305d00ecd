// Tables, JSON and remarks of a bench with made-up figures.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "pare/json.h"
#include "unit/table/made_up_bench.h"

namespace pare {
namespace {

using test::joined;
using test::made_up;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

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
  result.levels[0].prefill_layers[0].kernel = Kernel::kSliced;
  result.machine.bytes_a_second = 1e9;
  EXPECT_THAT(joined(bench_remarks(result)),
              AllOf(Not(HasSubstr("the noise")), Not(HasSubstr("pare tune")), HasSubstr("Above 100 %")));
}

}  // namespace
}  // namespace pare
