// HTML: nothing of a text becomes markup, and tables say what their columns and rows are.
#include "table/html.h"

#include <gmock/gmock.h>

namespace pare::table {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(HtmlEscape, LeavesNothingToInterpret) {
  EXPECT_EQ(html_escape("</script><img src=\"x\" onerror='f()'>&amp;"),
            "&lt;/script&gt;&lt;img src=&quot;x&quot; onerror=&#39;f()&#39;&gt;&amp;amp;");
  EXPECT_EQ(html_escape(std::string_view("a\0b\n\xff\xe2\x80\xae", 8)), "a?b???");
  EXPECT_EQ(html_escape("größer ≥ 0"), "größer ≥ 0");
}

TEST(Html, ClosesWhatItOpened) {
  Html html;
  html.open("p", {{"class", "a\"b"}, {"", "left out"}}).text("1 < 2").element("b", "x").lone("br").close();
  EXPECT_EQ(html.str(), "<p class=\"a&quot;b\">1 &lt; 2<b>x</b><br></p>");
}

Table small_table() {
  Table table;
  table.columns = {{"name", "tensor", true, true}, {"n", "parameters"}, {"share", "|w| > 0.1"}, {"max", "max"}};
  table.rows = {{std::string("<b>.weight"), std::uint64_t{1234}, Share{1, 3}, 0.12345678},
                {std::string("h.1"), std::uint64_t{5}, Share{}, Cell()}};
  return table;
}

TEST(TableHtml, HasACaptionScopesAndKeysToSortBy) {
  const std::string html = to_html(small_table(), "Every <tensor>");
  for (const char* part :
       {"<caption>Every &lt;tensor&gt;</caption>",
        "<th scope=\"col\" aria-sort=\"none\"><button type=\"button\">tensor",
        "<th scope=\"col\" class=\"n\" aria-sort=\"none\"><button type=\"button\">|w| &gt; 0.1",
        "<th scope=\"row\"><code>&lt;b&gt;.weight</code></th><td class=\"n\">1,234</td>",
        "<td class=\"n\" data-s=\"33.333333\">33.33 %</td><td class=\"n\" data-s=\"0.12345678\">0.1235</td>",
        "<td class=\"n\"></td></tr>"})
    EXPECT_THAT(html, HasSubstr(part));
  EXPECT_THAT(html, Not(HasSubstr("search")));  // too few rows to filter
}

TEST(TableHtml, FiltersManyRows) {
  Table table = small_table();
  for (int i = 0; i < 10; ++i) table.rows.push_back(table.rows[1]);
  EXPECT_THAT(to_html(table, "a \"b\""), HasSubstr("aria-label=\"Filter the rows of: a &quot;b&quot;\""));
  EXPECT_THAT(to_html(table, "x"), HasSubstr("<output class=\"matches\">12 rows</output>"));
}

TEST(TableHtml, KeepsTheOrderOfRowsThatContinueOthers) {
  Table table = small_table();
  table.rows[1][0] = std::string();
  const std::string html = to_html(table, "models");
  EXPECT_THAT(html, Not(HasSubstr("<button")));
  EXPECT_THAT(html, HasSubstr("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"models\">"));
}

}  // namespace
}  // namespace pare::table
