// Inspections as tables, text and JSON. The inspections are written by hand: no figure is computed here.
#include "table/inspect_tables.h"

#include <gmock/gmock.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "pare/json.h"

namespace pare::table {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

InspectRow row(const std::string& name, std::uint64_t count, std::uint64_t above, std::uint64_t inside) {
  InspectRow result;
  result.name = name;
  result.dtype = "F32";
  result.stats.count = count;
  result.stats.sum = static_cast<double>(count) / 2;
  result.stats.sum_of_squares = static_cast<double>(count);
  result.stats.min = -2;
  result.stats.max = 3.25;
  result.stats.zeros = 1;
  result.stats.cutoffs = {{0.1, above, inside}, {1, 2, 0}, {5, 0, 0}};
  return result;
}

Inspection sample(const std::string& title = "tiny") {
  Inspection result;
  result.title = title;
  result.architecture = "TinyModel";
  result.source = "./tiny";
  result.options.tails = {1, 5};
  result.tensors = {row("h.0.w", 1000, 250, 600), row("ln.bias", 3, 1, 1)};
  result.tensors[0].layer = 0;
  result.tensors[0].group = Group::kFeedForward;
  result.tensors[1].group = Group::kBias;
  result.groups = {row("feed-forward", 1000, 250, 600), row("bias", 3, 1, 1)};
  result.layers = {row("layer 0", 1000, 250, 600)};
  result.layers[0].layer = 0;
  result.overall = row("(overall)", 1003, 251, 601);
  result.overall.tensors = 2;
  result.spreads = {{"", Group::kFeedForward, false, {0, 1}, {.25, .5}, .25, .5, .375, .1767766952966369, {1}}};
  result.largest = {{"h.0.w", {3, 7}, -2}};
  result.left_out = {{"h.0.mask", "buffer"}, {"h.1.mask", "buffer"}};
  return result;
}

Model model_of(const Inspection& inspection) {
  Model model{.title = inspection.title,
              .source = inspection.source,
              .architecture = inspection.architecture,
              .model_type = "tiny",
              .checkpoint = Checkpoint::from_tensors({}, {}, {}, nullptr),
              .parameters = {},
              .left_out = {},
              .missing = {"a", "b", "c", "d", "e"},
              .notes = {"a note"},
              .side_files = {},
              .config = {}};
  return model;
}

std::vector<std::string> lines(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> result;
  for (std::string line; std::getline(stream, line);) result.push_back(line);
  return result;
}

TEST(FullTable, BeginsWithTheAgreedColumns) {
  const Inspection inspections[] = {sample()};
  const Rows kinds[] = {Rows::kTensors};
  const auto csv = lines(to_csv(inspect_csv_table(inspections, kinds)));
  ASSERT_EQ(csv.size(), 3U);
  EXPECT_EQ(csv[0],
            "tensor,parameters,share_percent,model,kind,tensors,dtype,group,stack,layer,share_magnitude_percent,"
            "share_signed_percent,zeros,nan,inf,min,max,mean,std,above_1,above_5");
  EXPECT_THAT(csv[1], StartsWith("h.0.w,1000,25,tiny,tensor,1,F32,feed-forward,,0,25,40,1,0,0,-2,3.25,0.5,"));
  EXPECT_THAT(csv[2], StartsWith("ln.bias,3,33.333333333333336,tiny,tensor,1,F32,bias,,,"));
}

TEST(FullTable, TheMeasureChoosesTheThirdColumn) {
  Inspection inspection = sample();
  inspection.options.measure = Measure::kSigned;
  const Rows kinds[] = {Rows::kOverall, Rows::kTensors};
  const auto csv = lines(to_csv(inspect_csv_table({&inspection, 1}, kinds)));
  EXPECT_THAT(csv[1], StartsWith("(overall),1003,40.07976071784646,"));  // 402 of 1003
  EXPECT_THAT(csv[2], StartsWith("h.0.w,1000,40,"));
}

TEST(ShareOf, NanIsBigInNeitherMeasure) {
  Stats stats = row("a", 10, 2, 5).stats;
  stats.nans = 2;
  EXPECT_EQ(share_of(stats, Measure::kMagnitude).part, 2U);
  EXPECT_EQ(share_of(stats, Measure::kSigned).part, 3U);
}

TEST(RowsTable, NanAndInfinityOnlyWhereThereAreAny) {
  Inspection inspection = sample();
  EXPECT_THAT(to_text(rows_table(inspection, Rows::kTensors)), Not(HasSubstr("NaN")));
  inspection.overall.stats.nans = 4;
  inspection.tensors[0].stats.nans = 4;
  EXPECT_THAT(lines(to_text(rows_table(inspection, Rows::kTensors)))[0], HasSubstr("NaN"));
}

TEST(Extremes, NoneWithoutNumbers) {
  Inspection inspection = sample();
  inspection.tensors[0] = row("empty", 0, 0, 0);
  inspection.tensors[1] = row("all.nan", 3, 0, 0);
  inspection.tensors[1].stats.nans = 3;
  inspection.overall.stats.nans = inspection.overall.stats.count;
  for (Stats* stats : {&inspection.tensors[0].stats, &inspection.tensors[1].stats, &inspection.overall.stats})
    stats->min = stats->max = 0;
  const auto is_empty = [](const Cell& cell) { return std::holds_alternative<std::monostate>(cell); };
  for (const std::vector<Cell>& cells : rows_table(inspection, Rows::kTensors).rows) {
    ASSERT_EQ(cells.size(), 9U);
    EXPECT_TRUE(is_empty(cells[7]));
    EXPECT_TRUE(is_empty(cells[8]));
  }
  const Rows kinds[] = {Rows::kTensors};
  for (const std::vector<Cell>& cells : inspect_csv_table({&inspection, 1}, kinds).rows) {
    EXPECT_TRUE(is_empty(cells[15]));
    EXPECT_TRUE(is_empty(cells[16]));
  }
  for (const std::vector<Cell>& cells : overall_table({&inspection, 1}).rows) {
    const auto& title = std::get<std::string>(cells[0]);
    EXPECT_EQ(is_empty(cells[1]), title == "min" || title == "max") << title;
  }
  const Model models[] = {model_of(inspection)};
  const auto json = nlohmann::json::parse(inspect_json(models, {&inspection, 1}));
  for (const auto& tensor : json["models"][0]["tensors"]) {
    EXPECT_TRUE(tensor["min"].is_null());
    EXPECT_TRUE(tensor["max"].is_null());
  }
}

TEST(SideBySide, RowsOfEveryModelInOrderOfFirstAppearance) {
  Inspection inspections[] = {sample("a"), sample("b")};
  inspections[1].groups = {row("norm", 4, 1, 0), row("bias", 4, 3, 0)};
  EXPECT_EQ(to_text(side_by_side_table(inspections, Rows::kGroups)),
            "group               a        b\n"
            "feed-forward  25.00 %\n"
            "bias          33.33 %  75.00 %\n"
            "norm                   25.00 %\n");
}

TEST(SpreadTable, NamesTheLayersThatStandOut) {
  EXPECT_EQ(to_text(spread_table(sample())),
            "weights       layers   lowest     mean  highest      std  stands out\n"
            "feed-forward       2  25.00 %  37.50 %  50.00 %  17.68 %  layer 1 (50.00 %)\n");
}

TEST(InspectText, TheDigestEndsWithAHint) {
  const Inspection inspections[] = {sample()};
  const Model models[] = {model_of(inspections[0])};
  const std::string text = inspect_text(models, inspections, {}, Markup::kText);
  EXPECT_THAT(text, StartsWith("tiny\nTinyModel: 1,003 parameters in 2 tensors, F32"));
  EXPECT_THAT(text, HasSubstr("\n  a note\n  left out: h.0.mask and h.1.mask (buffer)\n"));
  EXPECT_THAT(text, HasSubstr("\n|w| > 0.1              251  25.02 %\n"));
  EXPECT_THAT(text, HasSubstr("\n   -2  h.0.w   [3, 7]\n"));
  EXPECT_EQ(lines(text).back(), "--rows tensors shows all 2 tensors");
}

TEST(InspectText, RowsAskedForAndNothingElse) {
  const Inspection inspections[] = {sample()};
  const Model models[] = {model_of(inspections[0])};
  const Rows kinds[] = {Rows::kTensors};
  const std::string text = inspect_text(models, inspections, kinds, Markup::kMarkdown);
  EXPECT_THAT(text, HasSubstr("| `h.0.w` | 1,000 | 25.00 % | 40.00 % |"));
  EXPECT_THAT(text, Not(HasSubstr("layer 0")));
  EXPECT_THAT(text, Not(HasSubstr("--rows")));
}

TEST(InspectJson, HoldsEverythingWhateverTheNamesAre) {
  Inspection inspections[] = {sample()};
  inspections[0].tensors[0].name = "bad \xFF utf-8";
  inspections[0].tensors[1].stats.max = std::numeric_limits<double>::infinity();
  inspections[0].options.quantiles = {0.5};
  for (auto* rows : {&inspections[0].tensors, &inspections[0].groups, &inspections[0].layers})
    for (InspectRow& each : *rows) each.quantiles = {0.07};
  inspections[0].overall.quantiles = {std::nan("")};
  const Model models[] = {model_of(inspections[0])};
  const auto json = nlohmann::json::parse(inspect_json(models, inspections));
  EXPECT_EQ(json["measure"], "magnitude");
  const auto& model = json["models"][0];
  EXPECT_EQ(model["tensors"][0]["name"], "bad \xEF\xBF\xBD utf-8");
  EXPECT_EQ(model["tensors"][0]["share_percent"], 25.0);
  EXPECT_EQ(model["tensors"][0]["quantiles"][0]["magnitude"], 0.07);
  EXPECT_TRUE(model["tensors"][1]["max"].is_null());
  EXPECT_TRUE(model["overall"]["quantiles"][0]["magnitude"].is_null());
  EXPECT_EQ(model["tensors"][0]["layer"], 0);
  EXPECT_FALSE(model["tensors"][1].contains("layer"));
  EXPECT_EQ(model["layer_spreads"][0]["outlying_layers"], nlohmann::json({1}));
  EXPECT_EQ(model["largest"][0]["position"], nlohmann::json({3, 7}));
  EXPECT_EQ(model["missing"].size(), 5U);
}

}  // namespace
}  // namespace pare::table
