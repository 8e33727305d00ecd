#include "base/utf8.h"

#include <gtest/gtest.h>

namespace pare::base {
namespace {

TEST(Utf8, FindsTheFirstByteThatIsNone) {
  EXPECT_EQ(first_invalid_utf8("abcdefgh \xC3\xA9 \xE6\xBC\xA2 \xF0\x9F\x91\x8D"), std::nullopt);
  EXPECT_EQ(first_invalid_utf8("\xED\x9F\xBF\xEE\x80\x80\xF4\x8F\xBF\xBF"),
            std::nullopt);  // beside surrogates; the last
  const std::pair<const char*, std::size_t> cases[] = {{"a\x80", 1},
                                                       {"ab\xC0\xAF", 2},
                                                       {"\xC1\xBF", 0},
                                                       {"\xE0\x9F\xBF", 0},
                                                       {"\xED\xA0\x80", 0},
                                                       {"\xF0\x8F\xBF\xBF", 0},
                                                       {"\xF4\x90\x80\x80", 0},
                                                       {"\xF5\x80\x80\x80", 0},
                                                       {"abcdefgh\xFF", 8},
                                                       {"abcdefghij\xE6\xBC", 10},
                                                       {"\xC3", 0},
                                                       {"\xE6\xBC\x41", 0}};
  for (const auto& [text, at] : cases) EXPECT_EQ(first_invalid_utf8(text), at) << text;
}

TEST(Utf8, WritesWhatItReads) {
  for (const char32_t code : {U'a', U'\x7F', U'\x80', U'\x7FF', U'\x800', U'\xFFFD', U'\x10000', U'\x10FFFF'}) {
    std::string text;
    append_utf8(text, code);
    EXPECT_EQ(character_at(text, 0).code, code);
    EXPECT_EQ(character_at(text, 0).size, text.size());
    EXPECT_EQ(character_before("x" + text, text.size() + 1).code, code);
    EXPECT_EQ(character_size(text[0]), text.size());
  }
}

TEST(Utf8, RepairsAsPythonDoes) {  // bytes.decode("utf-8", "replace")
  EXPECT_EQ(repaired_utf8("a\xFFz"), "a\uFFFDz");
  EXPECT_EQ(repaired_utf8("\xE6\xBC"), "\uFFFD");                  // one for a character cut off
  EXPECT_EQ(repaired_utf8("\xED\xA0\x80"), "\uFFFD\uFFFD\uFFFD");  // and one for each byte of what cannot be one
  EXPECT_EQ(repaired_utf8("\xF0\x9F\x91x"), "\uFFFDx");
  EXPECT_EQ(repaired_utf8("\xC0\xAF"), "\uFFFD\uFFFD");
}

}  // namespace
}  // namespace pare::base
