// report.html: the same content as report.md, nothing that a name could have made, and heat maps that equal plain
// loops.
#include <gmock/gmock.h>

#include "pare/report.h"
#include "report/heat_map.h"
#include "report/html/inline_html.h"
#include "report/study.h"
#include "support/files.h"
#include "table/html.h"
#include "tiny_model.h"

namespace pare::report {
namespace {

using test::TinyModel;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST(InlineHtml, UnderstandsSentences) {
  EXPECT_EQ(inline_html("1 \\< 2 & **|w| \\> 0.1** in `h.0.<b>`."),
            "1 &lt; 2 &amp; <strong>|w| &gt; 0.1</strong> in <code>h.0.&lt;b&gt;</code>.");
  EXPECT_EQ(inline_html("[90 %](models/a-b/sparsity-90), [CSV](tables/a.csv)"),
            "<a href=\"models/a-b/sparsity-90\">90\u00a0%</a>, <a href=\"tables/a.csv\">CSV</a>");
  EXPECT_EQ(inline_html("größer \\*ist\\* C:\\dir"), "größer *ist* C:\\dir");
}

TEST(InlineHtml, ShowsNamesAsTheyAre) {
  for (const char* name : {"plain", "`", "a`b``c", "a|b", "</script><img onerror=f()>", "**bold**", "[a](b)", "\\"}) {
    EXPECT_EQ(inline_html(markdown_code(name)), "<code>" + table::html_escape(name) + "</code>") << name;
    EXPECT_EQ(inline_html(markdown_escape(name)), table::html_escape(name)) << name;
  }
}

TEST(InlineHtml, LinksOnlyToFilesOfTheReport) {
  for (const char* target : {"javascript:f()", "//host/x", "https://host", "/etc/passwd", "../x", "", "a b", "x\"y"}) {
    const std::string html = inline_html("[x](" + std::string(target) + ")");
    EXPECT_THAT(html, Not(HasSubstr("<a"))) << target;
  }
  EXPECT_EQ(inline_html("[x](y"), "[x](y");
  EXPECT_EQ(inline_html("`x"), "`x");
  EXPECT_EQ(inline_html("**x"), "<strong>x</strong>");
}

TEST(TensorKind, IsWhatFollowsTheLayer) {
  EXPECT_EQ(tensor_kind("transformer.h.3.attn.c_attn.weight", 3, -1), "attn.c_attn.weight");
  EXPECT_EQ(tensor_kind("3.weight", 3, -1), "weight");
  EXPECT_EQ(tensor_kind("layers.13.weight", 3, -1), "layers.13.weight");
  EXPECT_EQ(tensor_kind("decoder.block.2.layer.0.q.weight", 2, -1), "layer.0.q.weight");
  EXPECT_EQ(tensor_kind("model.layers.1.mlp.experts.17.up.weight", 1, 17), "mlp.experts.*.up.weight");
}

TEST(HeatMaps, EqualPlainLoops) {
  const TinyModel tiny;
  const Model model = tiny.model();
  ReportOptions options;
  options.levels = {Amount::percent("50")};
  const Study study = make_study(model, options, {});
  EXPECT_THAT(heat_titles(study), ElementsAre("|w| > 0.1", "zeros", "zeros at 50 %"));
  const std::vector<HeatMap> maps = heat_maps(study);
  ASSERT_EQ(maps.size(), 1U);
  EXPECT_THAT(maps[0].layers, ElementsAre(0, 1, 2));
  EXPECT_THAT(maps[0].kinds, ElementsAre("attn.c_proj.weight", "mlp.c_fc.weight", "mlp.c_fc.bias"));
  const auto values = tiny.values(), pruned = tiny.pruned(0.5, Scope::kGlobal);
  for (std::size_t layer = 0; layer < 3; ++layer)
    for (std::size_t kind = 0; kind < 3; ++kind) {
      const std::size_t tensor = 1 + 3 * layer + kind;
      const HeatCell& cell = maps[0].cells[layer][kind];
      EXPECT_EQ(cell.parameters, values[tensor].size());
      ASSERT_EQ(cell.figures.size(), 3U);
      EXPECT_EQ(cell.figures[0]->part, test::count_big(values[tensor], Measure::kMagnitude, 0.1));
      EXPECT_EQ(cell.figures[1]->part, test::count_zeros(values[tensor]));
      EXPECT_EQ(cell.figures[2].has_value(), kind != 2);  // a bias is not pruned
      EXPECT_EQ(cell.figures[2].value_or(Share()).part, kind == 2 ? 0 : test::count_zeros(pruned[tensor]));
    }
}

TEST(ReportHtml, HoldsEverySectionAndNothingFromOutside) {
  const test::TemporaryDirectory root;
  ReportOptions options;
  options.command = "pare report one '<two>'";
  write_report({TinyModel("one").model(), TinyModel("</title><script>f()</script>").model()}, root / "study", options);
  const std::string page = test::read_text(root / "study" / "report.html");
  EXPECT_THAT(page, testing::StartsWith("<!doctype html>\n<html lang=\"en\">"));
  EXPECT_THAT(page, testing::EndsWith("</body></html>\n"));
  for (const char* part :
       {"<title>Sparsity study: one and &lt;/title&gt;&lt;script&gt;f()",
        "content=\"default-src &#39;none&#39;; style-src", "<code>pare report one &#39;&lt;two&gt;&#39;</code>",
        ">Side by side</h2>", ">Before and after pruning: |w| &gt; 0.1</h3>", "A note with *stars*.",
        ">The long tail</h3>", ">Sparsity by layer at each level</h3>", ">How long it took</h2>",
        "<summary>Every layer</summary>", "<summary>Every tensor: all 11</summary>", "<figure class=\"heat\""})
    EXPECT_THAT(page, HasSubstr(part));
  const auto occurrences = [&](const std::string& what) {
    std::size_t count = 0;
    for (std::size_t at = 0; (at = page.find(what, at)) != std::string::npos; ++at) ++count;
    return count;
  };
  EXPECT_EQ(occurrences("<script"), 1U);
  EXPECT_EQ(occurrences("<img"), 0U);
  EXPECT_EQ(occurrences(" src="), 0U);
  EXPECT_EQ(occurrences(" style=") + occurrences("@import") + occurrences("url("), 0U);
  EXPECT_EQ(occurrences("http"), 2U);  // http-equiv, and the name of SVG in the script
}

}  // namespace
}  // namespace pare::report
