#include "base/text_data.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pare/error.h"
#include "support/files.h"

namespace pare::base {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// The message of the Error that `body` throws.
template <class Body>
std::string failure(Body body) {
  try {
    body();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

class TextData : public testing::Test {
 protected:
  std::filesystem::path write(const std::string& text) const {
    const std::filesystem::path path = directory_ / "data";
    test::write_text(path, text);
    return path;
  }
  test::TemporaryDirectory directory_;
};

TEST_F(TextData, RefusesWhatIsNoUtf8NamingTheByte) {
  EXPECT_THAT(failure([&] { read_text(write("abc\xff")); }), HasSubstr("is not UTF-8 at byte 3"));
  EXPECT_THAT(failure([&] { read_text(write("")); }), HasSubstr("is empty"));
}

TEST_F(TextData, LinesEndWithLfOrCrlfAndEmptyOnesAreLeftOut) {
  const LineFile file(write("a\r\n\n  b\nc"), 0);
  ASSERT_EQ(file.lines().size(), 3U);
  EXPECT_EQ(file.lines()[0].text, "a");
  EXPECT_EQ(file.lines()[1].text, "  b");
  EXPECT_EQ(file.lines()[1].number, 3U);
  EXPECT_EQ(LineFile(write("a\nb\nc\n"), 2).lines().size(), 2U);
  EXPECT_THAT(failure([&] { LineFile(write("\n\n"), 0); }), HasSubstr("nothing but empty lines"));
}

TEST_F(TextData, JsonLinesMustHaveAText) {
  EXPECT_THAT(read_json_texts(write("{\"text\": \"a b\"}\n{\"id\": 1, \"text\": \"\\u00e9\"}\n"), 0),
              ElementsAre("a b", "é"));
  EXPECT_THAT(failure([&] { read_json_texts(write("{\"text\": \"a\"}\n{\"text\": 1}\n"), 0); }), HasSubstr("line 2: "));
  EXPECT_THAT(read_json_texts(write("\xEF\xBB\xBF{\"text\": \"a\", \"n\": [NaN, 1e400, 18446744073709551616]}\n"), 0),
              ElementsAre("a"));
  EXPECT_THAT(failure([&] { read_json_texts(write("{\"text\": \"a\n"), 0); }), HasSubstr("line 1: "));
  EXPECT_THAT(failure([&] { read_json_texts(write("{\"text\": \" \\n\"}\n"), 0); }),
              HasSubstr("line 1: has a 'text' without a word"));
}

TEST_F(TextData, TablesAreReadByTheirColumnsNames) {
  const TsvFile table(write("id\tsentence\tlabel\n7\ta \"b\"\t1\n8\tc\t0\n"), {"label", "", "sentence"}, 1);
  ASSERT_EQ(table.rows(), 1U);
  EXPECT_EQ(table.cell(0, 0), "1");
  EXPECT_EQ(table.cell(0, 1), "");
  EXPECT_EQ(table.cell(0, 2), "a \"b\"");
  const TsvFile marked(write("\xEF\xBB\xBFsentence\tlabel\r\na\t1\r\n"), {"sentence"}, 0);
  EXPECT_EQ(marked.cell(0, 0), "a");
}

TEST_F(TextData, TablesWithoutAColumnOrACellAreRefused) {
  EXPECT_THAT(failure([&] { TsvFile(write("a\tb\n1\t2\n"), {"label"}, 0); }),
              HasSubstr("has no column 'label'; its first line names a, b"));
  EXPECT_THAT(failure([&] { TsvFile(write("a\tb\n1\n"), {"b"}, 0); }),
              HasSubstr("line 2: has 1 of the first line's 2 columns"));
  EXPECT_THAT(failure([&] { TsvFile(write("a\tb\n"), {"b"}, 0); }), HasSubstr("has no rows"));
}

TEST(CountWords, SplitsAsPythonsReDoes) {
  EXPECT_EQ(count_words(""), 1U);
  EXPECT_EQ(count_words("a"), 1U);
  EXPECT_EQ(count_words(" a  b\n"), 4U);                 // re.split(r"\s+", " a  b\n") is ['', 'a', 'b', '']
  EXPECT_EQ(count_words("a\u00a0b\u3000c\u200bd"), 3U);  // no-break and ideographic space are \s, zero width is not
}

TEST(Stripped, TakesUnicodeSpacesOff) {
  EXPECT_EQ(stripped("\u3000 a b\u00a0\n"), "a b");
  EXPECT_EQ(stripped(" \t"), "");
  EXPECT_THAT(split_words(" a\u2003bc  d "), ElementsAre("a", "bc", "d"));
}

TEST(ByteOrderMark, IsNotPartOfAText) {
  const test::TemporaryDirectory directory;
  const std::string mark = "\xEF\xBB\xBF";
  test::write_text(directory / "plain.txt", mark + "the cat\n");
  EXPECT_EQ(read_text(directory / "plain.txt"), "the cat\n");
  test::write_text(directory / "mark.txt", mark);
  EXPECT_THAT(failure([&] { read_text(directory / "mark.txt"); }), HasSubstr("is empty"));
}

}  // namespace
}  // namespace pare::base
