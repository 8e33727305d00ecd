// Expected values are sacreBLEU 2.6.0's.
#include "eval/bleu.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pare::eval {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(BleuTokens, AreThoseOfMteval13a) {
  EXPECT_THAT(bleu_tokens("Hello, world! It's 3.5 e.g. 1,000-2,000 &quot;x&amp;y&quot; -5 co-op..."),
              ElementsAre("Hello", ",", "world", "!", "It's", "3.5", "e", ".", "g", ".", "1,000", "-", "2,000", "\"",
                          "x", "&", "y", "\"", "-5", "co-op", ".", ".", "."));
  EXPECT_THAT(bleu_tokens("a.b,c 5-6 (x)[y]{z}~`^"), ElementsAre("a", ".", "b", ",", "c", "5", "-", "6", "(", "x", ")",
                                                                 "[", "y", "]", "{", "z", "}", "~", "`", "^"));
  EXPECT_THAT(bleu_tokens("«été», naïve."), ElementsAre("«été»", ",", "naïve", "."));
  EXPECT_THAT(bleu_tokens("The <skipped>end."), ElementsAre("The", "end", "."));
  EXPECT_THAT(bleu_tokens("1.a ,5 .5 5."), ElementsAre("1", ".", "a", ",", "5", ".", "5", "5", "."));
  EXPECT_THAT(bleu_tokens("  "), IsEmpty());
}

double bleu(std::initializer_list<std::pair<const char*, const char*>> pairs) {
  Bleu bleu;
  for (const auto& [hypothesis, reference] : pairs) bleu.add(hypothesis, reference);
  return bleu.score();
}

TEST(Bleu, IsSacrebleus) {
  EXPECT_NEAR(bleu({{"the cat sat on the mat", "the cat is on the mat"}, {"there is a dog", "there is a dog here"}}),
              48.76677074375707, 1e-10);
  EXPECT_NEAR(bleu({{"a b c d e", "a b x d e"}}), 30.213753973567677, 1e-10);
  EXPECT_NEAR(bleu({{"the the the the", "the cat the dog on a mat"}}), 8.9730240870212, 1e-10);
}

TEST(Bleu, IsZeroWithoutMatchesAndWithoutFourGrams) {
  EXPECT_EQ(bleu({{"x y z w v", "a b c d e"}}), 0);
  EXPECT_EQ(bleu({{"the cat", "the cat"}}), 0);
  EXPECT_EQ(bleu({{"", "a"}}), 0);
  EXPECT_EQ(bleu({}), 0);
}

}  // namespace
}  // namespace pare::eval
