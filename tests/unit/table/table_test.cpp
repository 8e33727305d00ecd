// Tables for people and for programs.
#include "pare/table.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "pare/document.h"

namespace pare::table {
namespace {

TEST(PercentText, RoundsHalfAwayFromZeroExactly) {
  EXPECT_EQ(percent_text(Share{1, 3}), "33.33 %");
  EXPECT_EQ(percent_text(Share{2, 3}), "66.67 %");
  // 65.625 and 15.625, exactly: half to even would give 65.62 and 15.62.
  EXPECT_EQ(percent_text(Share{504, 768}), "65.63 %");
  EXPECT_EQ(percent_text(Share{120, 768}), "15.63 %");
  // 1.005 % is not a double; printf shows 1.00 or 1.01, depending on the nearest double.
  EXPECT_EQ(percent_text(Share{201, 20'000}), "1.01 %");
  EXPECT_EQ(percent_text(Share{1'004'999, 100'000'000}), "1.00 %");
}

TEST(PercentText, Extremes) {
  EXPECT_EQ(percent_text(Share{0, 0}), "0.00 %");
  EXPECT_EQ(percent_text(Share{7, 7}), "100.00 %");
  EXPECT_EQ(percent_text(Share{199'999, 200'000}), "100.00 %");
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(percent_text(Share{kMost, kMost}), "100.00 %");
  EXPECT_EQ(percent_text(Share{kMost / 2, kMost}), "50.00 %");
}

TEST(PercentText, OfFractionsAgreesWithCounts) {
  for (const std::uint64_t whole : {7U, 768U, 800U, 1000U, 20'000U, 589'824U})
    for (std::uint64_t part = 0; part <= whole; part += whole / 7 / 8 + 1)
      EXPECT_EQ(percent_text(static_cast<double>(part) / static_cast<double>(whole)), percent_text(Share{part, whole}))
          << part << " of " << whole;
  for (std::uint64_t part = 0; part <= 20'000; ++part)  // every tie at two decimals
    ASSERT_EQ(percent_text(static_cast<double>(part) / 20'000), percent_text(Share{part, 20'000})) << part;
}

TEST(CountText, GroupsDigitsByThree) {
  EXPECT_EQ(count_text(0), "0");
  EXPECT_EQ(count_text(999), "999");
  EXPECT_EQ(count_text(1000), "1,000");
  EXPECT_EQ(count_text(124'439'808), "124,439,808");
}

TEST(NumberText, FourDigitsAndExact) {
  EXPECT_EQ(number_text(0.000123456), "0.0001235");
  EXPECT_EQ(number_text(-8.88181), "-8.882");
  EXPECT_EQ(number_text(-0.0), "0");
  EXPECT_EQ(number_text(std::nan("")), "NaN");
  EXPECT_EQ(exact_text(0.1), "0.1");
  EXPECT_EQ(exact_text(1.0 / 3), "0.3333333333333333");
  EXPECT_EQ(exact_text(-std::numeric_limits<double>::infinity()), "-inf");
  EXPECT_EQ(exact_text(std::nan("")), "nan");
}

TEST(BytesText, PowersOfAThousand) {
  EXPECT_EQ(bytes_text(999), "999 B");
  EXPECT_EQ(bytes_text(1000), "1.0 kB");
  EXPECT_EQ(bytes_text(548'105'171), "548.1 MB");
  EXPECT_EQ(bytes_text(999'960'000), "1.0 GB");
}

TEST(DisplayWidth, CountsTerminalColumns) {
  EXPECT_EQ(display_width("gpt2"), 4U);
  EXPECT_EQ(display_width("größe"), 5U);
  EXPECT_EQ(display_width("比べ"), 4U);
  EXPECT_EQ(display_width("e\xCC\x81"), 1U);  // e and a combining acute
  EXPECT_EQ(display_width("\xF0\x9F\x98\x80"), 2U);
  EXPECT_EQ(display_width("\xFF\xC3"), 2U);  // malformed: a column each
}

TEST(Printable, TakesOutWhatDrivesATerminal) {
  EXPECT_EQ(printable("a\x1b[31mb\nc\x7f"), "a?[31mb?c?");
  EXPECT_EQ(printable("\xC2\x9B"
                      "31m"),
            "?31m");  // C1's CSI
  EXPECT_EQ(printable("a\xE2\x80\xAE"
                      "b"),
            "a?b");                                       // right-to-left override
  EXPECT_EQ(printable("\xC0\xAF\xED\xA0\x80"), "?????");  // overlong, surrogate
  EXPECT_EQ(printable("größe 比"), "größe 比");
}

Table sample() {
  Table table;
  table.columns = {{"tensor", "tensor", true, true},
                   {"parameters", "parameters"},
                   {"share_percent", "|w| > 0.1"},
                   {"note", "note", true}};
  table.rows = {{std::string("wte.weight"), std::uint64_t{38'597'376}, Share{1, 3}, std::monostate()},
                {std::string("größe"), std::uint64_t{8}, Share{8, 8}, std::string("a, \"b\"")},
                {std::string("x|`y"), std::monostate(), 0.1, std::string("*")}};
  return table;
}

TEST(Table, TextIsAlignedWithoutTrailingSpaces) {
  EXPECT_EQ(to_text(sample()),
            "tensor      parameters  |w| > 0.1  note\n"
            "wte.weight  38,597,376    33.33 %\n"
            "größe                8   100.00 %  a, \"b\"\n"
            "x|`y                          0.1  *\n");
}

TEST(Table, MarkdownEscapesWhatItWouldInterpret) {
  EXPECT_EQ(to_markdown(sample()),
            "| tensor | parameters | \\|w\\| > 0.1 | note |\n"
            "|---|--:|--:|---|\n"
            "| `wte.weight` | 38,597,376 | 33.33 % |  |\n"
            "| `größe` | 8 | 100.00 % | a, \"b\" |\n"
            "| `` x\\|`y `` |  | 0.1 | \\* |\n");
}

TEST(Table, CsvQuotesAndKeepsEveryDigit) {
  EXPECT_EQ(to_csv(sample()),
            "tensor,parameters,share_percent,note\n"
            "wte.weight,38597376,33.333333333333336,\n"
            "größe,8,100,\"a, \"\"b\"\"\"\n"
            "x|`y,,0.1,*\n");
}

TEST(Document, BlocksStandApart) {
  Document text(Markup::kText), markdown(Markup::kMarkdown);
  for (Document* document : {&text, &markdown}) {
    document->heading("gpt2");
    document->paragraph("one_line");
    document->list({"a", "b"});
    document->list({});
    document->table(Table{{{"n", "n"}}, {{std::uint64_t{1}}}});
  }
  EXPECT_EQ(text.text(), "gpt2\none_line\n  a\n  b\n\nn\n1\n");
  EXPECT_EQ(markdown.text(), "## gpt2\n\none\\_line\n\n- a\n- b\n\n| n |\n|--:|\n| 1 |\n");
}

}  // namespace
}  // namespace pare::table
