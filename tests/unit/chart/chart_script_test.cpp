// Charts as text: the scripts for gnuplot, without running it.
#include <gmock/gmock.h>

#include <cmath>
#include <sstream>

#include "chart/chart.h"
#include "chart/chart_axis.h"
#include "chart/chart_canvas.h"

namespace pare::chart {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

std::vector<std::string> texts(const Axis& axis) {
  std::vector<std::string> result;
  for (const Tic& tic : axis.tics)
    if (!tic.minor) result.push_back(tic.text);
  return result;
}

/// Rows of the data block `name`.
std::vector<std::string> block(const std::string& script, const std::string& name) {
  std::istringstream stream(script);
  std::vector<std::string> rows;
  bool inside = false;
  for (std::string line; std::getline(stream, line);) {
    if (line == "END") inside = false;
    if (inside) rows.push_back(line);
    if (line == "$" + name + " << END") inside = true;
  }
  return rows;
}

HistogramChart sample_histogram() {
  HistogramChart chart;
  chart.title = "t";
  chart.histogram = {0, 5, std::vector<std::uint64_t>(50), 0, 12, 0};
  chart.histogram.counts[0] = 1000;
  chart.histogram.counts[1] = 200;
  chart.histogram.counts[49] = 1;
  return chart;
}

TEST(GnuplotString, QuotesWhatGnuplotWouldInterpret) {
  EXPECT_EQ(gnuplot_string("a 'b' \"c\" \\n `id` @x {y}_z"), "\"a 'b' \\042c\\042 \\134n \\140id\\140 @x {y}_z\"");
}

TEST(GnuplotString, KeepsNoControlCharacters) {
  EXPECT_EQ(gnuplot_string("a\nset output 'x'\r\x1b[0m"), "\"a?set output 'x'??[0m\"");
  EXPECT_EQ(gnuplot_string("\xff"), "'?'");
}

TEST(Shortened, CutsAtCharactersNotBytes) {
  EXPECT_EQ(shortened("abc", 3), "abc");
  EXPECT_EQ(shortened("abcd", 3), "ab…");
  EXPECT_EQ(shortened("äöüß", 3), "äö…");
  EXPECT_EQ(shortened("äöü", 3), "äöü");
}

TEST(LinearAxis, HasRoundTicsAndNoMinusZero) {
  EXPECT_THAT(texts(linear_axis(0, 5, TicText::kPlain, false, false, 10)),
              ElementsAre("0", "0.5", "1", "1.5", "2", "2.5", "3", "3.5", "4", "4.5", "5"));
  const Axis percent = linear_axis(0, 46, TicText::kPercent, true);
  EXPECT_DOUBLE_EQ(percent.high, 50);
  EXPECT_THAT(texts(percent), ElementsAre("0 %", "10 %", "20 %", "30 %", "40 %", "50 %"));
  EXPECT_THAT(texts(linear_axis(0, 0.00007, TicText::kPercent, true)), Contains("0.00002 %"));
}

TEST(LinearAxis, EndsAtATicThatIsNearlyReached) {
  const Axis axis = linear_axis(50, 79.9986, TicText::kPlain, false);
  EXPECT_EQ(axis.high, 80);
  EXPECT_THAT(texts(axis), ElementsAre("50", "55", "60", "65", "70", "75", "80"));
  EXPECT_EQ(linear_axis(50, 79.9, TicText::kPlain, false).high, 79.9);
}

TEST(LinearAxis, CountsLayersInWholeSteps) {
  EXPECT_THAT(texts(linear_axis(0, 3, TicText::kPlain, false, true, 12)), ElementsAre("0", "1", "2", "3"));
  EXPECT_THAT(texts(linear_axis(0, 11, TicText::kPlain, false, true, 8)), ElementsAre("0", "2", "4", "6", "8", "10"));
}

TEST(LinearAxis, OfASingleValueHasExtent) {
  const Axis axis = linear_axis(4, 4, TicText::kPlain, false, true);
  EXPECT_LT(axis.low, axis.high);
}

TEST(LogAxis, LabelsDecadesShortly) {
  EXPECT_THAT(texts(log_axis(0.6, 1.7e8, TicText::kCount)),
              ElementsAre("1", "10", "100", "1k", "10k", "100k", "1M", "10M", "100M"));
  EXPECT_THAT(texts(log_axis(0.0005, 20, TicText::kPlain)), ElementsAre("0.001", "0.01", "0.1", "1", "10"));
  EXPECT_THAT(texts(log_axis(1.5, 23, TicText::kPlain)), ElementsAre("2", "5", "10", "20"));
  EXPECT_THAT(texts(log_axis(90, 6000, TicText::kCount)), ElementsAre("100", "200", "500", "1k", "2k", "5k"));
  EXPECT_LE(texts(log_axis(1e-30, 1e30, TicText::kPlain)).size(), 10U);
}

TEST(LogAxis, HasMinorTicsBetweenNeighbors) {
  const Axis axis = log_axis(1, 100, TicText::kPlain);
  EXPECT_EQ(axis.tics.size(), 3U + 2 * 8);
}

TEST(AxisCommands, DoublePercentSignsWhichAreFormatsInTics) {
  EXPECT_THAT(axis_commands('y', linear_axis(0, 10, TicText::kPercent, true)), HasSubstr("'10 %%' 10"));
  EXPECT_THAT(axis_commands('y', linear_axis(0, 10, TicText::kPercent, true), false), Not(HasSubstr("%")));
}

TEST(ShortCount, KeepsThreeDigits) {
  EXPECT_EQ(short_count(999), "999");
  EXPECT_EQ(short_count(8493466), "8.49M");
  EXPECT_EQ(short_count(2.5e12), "2.5T");
}

TEST(HistogramScript, TellsWhatFallsBeyond) {
  const std::string script = histogram_script(sample_histogram(), PictureFormat::kPng);
  EXPECT_THAT(script, HasSubstr("'12 of 1,213 at or beyond 5'"));
  HistogramChart chart = sample_histogram();
  chart.histogram.below = 1500;
  chart.histogram.nans = 2;
  EXPECT_THAT(histogram_script(chart, PictureFormat::kPng),
              HasSubstr("'12 of 2,715 at or beyond 5, 1,500 below 0, 2 NaN'"));
}

TEST(HistogramScript, DividesBarsAtTheCutoffAndLeavesEmptyOnesOut) {
  const std::string script = histogram_script(sample_histogram(), PictureFormat::kPng);
  ASSERT_EQ(block(script, "inside").size(), 1U);
  EXPECT_THAT(block(script, "inside")[0], HasSubstr(" 1000"));
  EXPECT_EQ(block(script, "above").size(), 2U);
}

TEST(HistogramScript, MarksTheCutoffWithItsShare) {
  HistogramChart chart = sample_histogram();
  EXPECT_THAT(histogram_script(chart, PictureFormat::kPng), HasSubstr("'cutoff 0.1'"));
  chart.share = 0.25;
  EXPECT_THAT(histogram_script(chart, PictureFormat::kPng), HasSubstr("'cutoff 0.1: 25.00 % above'"));
  chart.measure = Measure::kSigned;
  EXPECT_THAT(histogram_script(chart, PictureFormat::kPng), HasSubstr("'cutoff 0.1: 25.00 % outside [0, 0.1)'"));
}

TEST(HistogramScript, ChoosesTheTerminalAndTurnsMarkupOff) {
  EXPECT_THAT(histogram_script(sample_histogram(), PictureFormat::kPng), HasSubstr("set terminal pngcairo noenhanced"));
  EXPECT_THAT(histogram_script(sample_histogram(), PictureFormat::kSvg), HasSubstr("set terminal svg noenhanced"));
  EXPECT_THAT(histogram_script(sample_histogram(), PictureFormat::kPng), HasSubstr("set logscale y"));
}

LineChart stacks() {
  LineChart chart;
  chart.percent_y = true;
  chart.series = {
      {"q", {0, 1}, {0.1, 0.2}, "encoder"}, {"k", {0, 1}, {0.3, 0.4}, "encoder"}, {"k", {0, 1}, {0.5, 0.6}, "decoder"}};
  return chart;
}

TEST(LineScript, DrawsPercentFromFractions) {
  EXPECT_THAT(block(line_script(stacks(), PictureFormat::kPng), "line0_0"), ElementsAre("0 10", "1 20"));
}

TEST(LineScript, GivesOneNameOneColorInAllPanels) {
  const std::string script = line_script(stacks(), PictureFormat::kPng);
  EXPECT_EQ(count_of(script, category_stroke(0).color), 2U);  // its line and the legend
  EXPECT_EQ(count_of(script, category_stroke(1).color), 3U);
  EXPECT_THAT(script, HasSubstr("'encoder'"));
  EXPECT_THAT(script, HasSubstr("'decoder'"));
}

TEST(LineScript, LeavesOutWhatItsAxesCannotShow) {
  LineChart chart;
  chart.log_x = chart.log_y = true;
  const double nan = std::nan("");
  chart.series = {{"a", {0, 1, 2, 4, 8}, {1, 0, nan, 0.5, 0.25}, ""}};
  EXPECT_THAT(block(line_script(chart, PictureFormat::kPng), "line0_0"), ElementsAre("4 0.5", "8 0.25"));
}

TEST(LineScript, ColorsLevelsFromLightToDark) {
  const auto lightness = [](const Stroke& stroke) {
    return std::stoi(stroke.color.substr(1, 2), nullptr, 16) + 2 * std::stoi(stroke.color.substr(3, 2), nullptr, 16);
  };
  for (std::size_t i = 1; i < 7; ++i) EXPECT_LT(lightness(ordered_stroke(i, 7)), lightness(ordered_stroke(i - 1, 7)));
}

TEST(CategoryStroke, RepeatsColorsWithAnotherDash) {
  EXPECT_EQ(category_stroke(0).color, category_stroke(8).color);
  EXPECT_NE(category_stroke(0).dash, category_stroke(8).dash);
}

TEST(GridScript, HasAPanelPerHistogramOnOneScale) {
  HistogramGrid grid;
  grid.panels = {{"original", sample_histogram().histogram, "0 zeros"}, {"90 %", sample_histogram().histogram, ""}};
  grid.panels[1].histogram.counts[0] = 5'000'000;
  const std::string script = grid_script(grid, PictureFormat::kPng);
  EXPECT_EQ(count_of(script, "set yrange [0.6:7000000]"), 2U);
  EXPECT_THAT(script, HasSubstr("'0 zeros'"));
}

TEST(GridScript, EndsBehindTheLastBarOfAnyPanel) {
  HistogramGrid grid;
  grid.panels.resize(2);
  for (auto& panel : grid.panels) panel.histogram = {0, 5, std::vector<std::uint64_t>(50), 0, 0, 0};
  EXPECT_EQ(count_of(grid_script(grid, PictureFormat::kPng), "set xrange [0:1]"), 2U);
  grid.panels[1].histogram.counts[19] = 1;
  EXPECT_EQ(count_of(grid_script(grid, PictureFormat::kPng), "set xrange [0:2]"), 2U);
  grid.panels[1].histogram.beyond = 1;
  EXPECT_EQ(count_of(grid_script(grid, PictureFormat::kPng), "set xrange [0:5]"), 2U);
}

TEST(BarScript, NamesItsGroups) {
  BarChart chart;
  chart.categories = {"none", "90 %"};
  chart.series = {{"a", {}, {0.4, 0.1}, ""}, {"b", {}, {0.2}, ""}};
  const std::string script = bar_script(chart, PictureFormat::kPng);
  EXPECT_THAT(script, HasSubstr("'90 %%' 1"));
  EXPECT_EQ(block(script, "bars0").size(), 2U);
  EXPECT_EQ(block(script, "bars1").size(), 1U);
}

TEST(ShareByLayerChart, HasALinePerGroupAndAPanelPerStack) {
  Inspection inspection;
  inspection.title = "m";
  inspection.spreads = {{"encoder", Group::kAttentionQ, false, {0, 1}, {.1, .2}, .1, .2, .15, .05, {}},
                        {"decoder", Group::kAttentionQ, true, {0, 1}, {.3, .4}, .3, .4, .35, .05, {}}};
  const LineChart chart = share_by_layer_chart(inspection);
  ASSERT_EQ(chart.series.size(), 2U);
  EXPECT_EQ(chart.series[0].name, "attention.q");
  EXPECT_EQ(chart.series[0].panel, "encoder");
  EXPECT_EQ(chart.series[1].panel, "decoder, cross-attention");
  EXPECT_THAT(chart.series[1].y, ElementsAre(.3, .4));
}

}  // namespace
}  // namespace pare::chart
