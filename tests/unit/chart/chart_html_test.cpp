// Charts on a page: each value is where the axes put it, and can be read.
#include "chart/chart_html.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cmath>

namespace pare::chart {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(ChartHtml, PutsBarsOfAHistogramOnALogAxis) {
  HistogramChart chart;
  chart.title = "a & b";
  chart.histogram = {0, 1, {10, 0, 1}, 0, 2, 0};
  chart.cutoff = 0.5;
  const std::string html = to_html(chart, "Bars <of> a");
  EXPECT_THAT(html, HasSubstr("<figcaption>a &amp; b</figcaption>"));
  EXPECT_THAT(html, HasSubstr("aria-label=\"Bars &lt;of&gt; a. The arrow keys read its values.\""));
  // The axis of counts runs from 0.6 to 14 in logarithms; the bins are thirds of that of values.
  const auto down = [](double count) {
    return fmt::format("{:.4g}", 100 - 100 * std::log(count / 0.6) / std::log(14 / 0.6));
  };
  EXPECT_THAT(html, HasSubstr(fmt::format("data-p=\"16.67,{} 83.33,{}\"", down(10), down(1))));
  EXPECT_THAT(html, HasSubstr("data-v=\"0 to 0.3333|10 (76.92 %);0.6667 to 1|1 (7.69 %)\""));
  EXPECT_THAT(html, HasSubstr("class=\"inside\""));
  EXPECT_THAT(html, HasSubstr("class=\"above\""));
  EXPECT_THAT(html, HasSubstr("2 of 13 at or beyond 1"));
}

LineChart two_lines() {
  LineChart chart;
  chart.title = "lines";
  chart.x_label = "layer";
  chart.y_label = "share";
  chart.percent_y = true;
  chart.series = {{"one", {0, 1}, {0.25, 0.5}, "", {0, 0.01}}, {"</svg><b>", {0, 1}, {0.1, NAN}, "", {}}};
  return chart;
}

TEST(ChartHtml, GivesEverySeriesItsPointsAndAnEntryInTheLegend) {
  const std::string html = to_html(two_lines(), "Lines");
  EXPECT_THAT(html, HasSubstr("<g class=\"s0\" data-n=\"one\" data-p="));
  EXPECT_THAT(html, HasSubstr("data-v=\"0|25.00 %;1|50.00 % ± 1.00 %\""));
  EXPECT_THAT(html, HasSubstr("<g class=\"s1\" data-n=\"&lt;/svg&gt;&lt;b&gt;\" data-p="));
  EXPECT_THAT(html, HasSubstr("data-v=\"0|10.00 %\""));
  EXPECT_THAT(html, HasSubstr("</svg>&lt;/svg&gt;&lt;b&gt;</li>"));
  EXPECT_THAT(html, Not(HasSubstr("nan")));
}

TEST(ChartHtml, ColorsAnOrderFromTheFirstStepToTheLast) {
  LineChart chart = two_lines();
  chart.ordered = true;
  EXPECT_THAT(to_html(chart, ""), HasSubstr("<g class=\"o0\" data-n=\"one\""));
  EXPECT_THAT(to_html(chart, ""), HasSubstr("<g class=\"o8\" data-n=\"&lt;/svg"));
}

TEST(ChartHtml, HasAPlotForEachPanel) {
  LineChart chart = two_lines();
  chart.series[1].panel = "decoder";
  const std::string html = to_html(chart, "Lines");
  EXPECT_THAT(html, HasSubstr("<div class=\"plots several\">"));
  EXPECT_THAT(html, HasSubstr("aria-label=\"Lines: decoder. The arrow keys"));
}

TEST(ChartHtml, KeepsSeparatorsOutOfTexts) {
  BarChart chart;
  chart.categories = {"a;b|c"};
  chart.series = {{"only", {}, {0.5}, "", {}}};
  EXPECT_THAT(to_html(chart, ""), HasSubstr("data-v=\"a,b/c|50.00 %\""));
}

TEST(ChartHtml, LabelsThePointsOfATradeOff) {
  TradeOffChart chart;
  chart.y_label = "accuracy";
  chart.percent_y = true;
  chart.panels = {{"times as fast", {{1, 0.9, "dense", true}, {2, 0.8, "90 %", false}}}};
  const std::string html = to_html(chart, "Trade-off");
  EXPECT_THAT(html, HasSubstr("data-v=\"1 (dense)|90.00 %;2 (90 %)|80.00 %\""));
  EXPECT_THAT(html, HasSubstr(">90 %</text>"));
}

}  // namespace
}  // namespace pare::chart
