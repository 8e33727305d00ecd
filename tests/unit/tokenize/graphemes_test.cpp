// Clusters by the rules of UAX #29, one example for each (from GraphemeBreakTest.txt).
#include "tokenize/graphemes.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/utf8.h"

namespace pare::tokenize {
namespace {

/// Lengths of the clusters in code points.
std::vector<std::size_t> clusters(const std::u32string& codes) {
  std::string text;
  for (const char32_t code : codes) base::append_utf8(text, code);
  std::vector<std::size_t> lengths;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = cluster_end(text, begin);
    std::size_t length = 0;
    for (std::size_t at = begin; at < end; at += base::character_size(text[at])) ++length;
    lengths.push_back(length);
    begin = end;
  }
  return lengths;
}

using Lengths = std::vector<std::size_t>;

TEST(Graphemes, FollowTheRules) {
  EXPECT_EQ(clusters(U"ab"), (Lengths{1, 1}));
  EXPECT_EQ(clusters(U"\r\n\n\r"), (Lengths{2, 1, 1}));                     // GB3, GB4
  EXPECT_EQ(clusters(U"a\u0301\u0308\x01\u0301"), (Lengths{3, 1, 1}));      // GB9, GB5
  EXPECT_EQ(clusters(U"\u1100\u1100\u1160\u11A8\u1100"), (Lengths{4, 1}));  // GB6 to GB8
  EXPECT_EQ(clusters(U"\uAC00\u11A8\u1160"), (Lengths{2, 1}));              // LV T, then V
  EXPECT_EQ(clusters(U"\uAC01\u11A8\u1100"), (Lengths{2, 1}));              // LVT T, then L
  EXPECT_EQ(clusters(U"\u0915\u0903a"), (Lengths{2, 1}));                   // GB9a
  EXPECT_EQ(clusters(U"\u0600a\u0600"), (Lengths{2, 1}));                   // GB9b
  EXPECT_EQ(clusters(U"\u0915\u094D\u200D\u0924"), (Lengths{4}));           // GB9c
  EXPECT_EQ(clusters(U"\u0915\u0924\u094D"), (Lengths{1, 2}));              // no linker between them
  EXPECT_EQ(clusters(U"\U0001F476\U0001F3FF\u200D\U0001F6D1a\u200D\U0001F6D1"), (Lengths{4, 2, 1}));  // GB11
  EXPECT_EQ(clusters(U"\U0001F1E6\U0001F1E7\U0001F1E8\U0001F1E9\U0001F1EA"), (Lengths{2, 2, 1}));     // GB12
}

}  // namespace
}  // namespace pare::tokenize
