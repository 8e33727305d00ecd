// GPT-2's pattern, alternative by alternative; expected values read off the regular expression.
#include "tokenize/steps/gpt2_pattern.h"

#include <gtest/gtest.h>

namespace pare::tokenize {
namespace {

std::vector<std::string> pieces(std::string_view text) {
  std::vector<std::string> result;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = gpt2_piece_end(text, begin);
    result.emplace_back(text.substr(begin, end - begin));
    begin = end;
  }
  return result;
}

using Pieces = std::vector<std::string>;

TEST(Gpt2Pattern, Contractions) {
  EXPECT_EQ(pieces("we'll he's"), (Pieces{"we", "'ll", " he", "'s"}));
  EXPECT_EQ(pieces("'sand"), (Pieces{"'s", "and"}));
  EXPECT_EQ(pieces("X'S 'r"), (Pieces{"X", "'", "S", " '", "r"}));  // small letters only
  EXPECT_EQ(pieces("!'s"), (Pieces{"!'", "s"}));                    // the run of symbols includes the apostrophe
  EXPECT_EQ(pieces("'"), (Pieces{"'"}));
}

TEST(Gpt2Pattern, RunsTakeOneSpaceBeforeThem) {
  EXPECT_EQ(pieces("a1 b2 ..."), (Pieces{"a", "1", " b", "2", " ..."}));
  EXPECT_EQ(pieces("\u00E9\u00B2"), (Pieces{"\u00E9", "\u00B2"}));
  EXPECT_EQ(pieces("\u00A0a"), (Pieces{"\u00A0", "a"}));  // no other white space
}

TEST(Gpt2Pattern, WhiteSpaceLeavesItsLastToTheWord) {
  EXPECT_EQ(pieces("a   b"), (Pieces{"a", "  ", " b"}));
  EXPECT_EQ(pieces("a \n\tb"), (Pieces{"a", " \n", "\t", "b"}));
  EXPECT_EQ(pieces("a  "), (Pieces{"a", "  "}));
  EXPECT_EQ(pieces("\u3000\u3000b"), (Pieces{"\u3000", "\u3000", "b"}));
  EXPECT_EQ(pieces(" "), (Pieces{" "}));
}

}  // namespace
}  // namespace pare::tokenize
