#include "eval/windows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pare::eval {
namespace {

std::vector<int> times_predicted(std::size_t tokens, std::size_t context, std::size_t stride) {
  std::vector<int> times(tokens);
  for (const Window& window : sliding_windows(tokens, context, stride)) {
    EXPECT_LT(window.begin, window.first);
    EXPECT_LT(window.first, window.end);
    EXPECT_LE(window.end - window.begin, context);
    for (std::size_t at = window.first; at < window.end; ++at) ++times[at];
  }
  return times;
}

TEST(SlidingWindows, PredictEveryTokenButTheFirstOnce) {
  for (const std::size_t tokens : {2, 3, 7, 8, 9, 50})
    for (const std::size_t stride : {1, 3, 4, 7}) {
      std::vector<int> expected(tokens, 1);
      expected[0] = 0;
      EXPECT_EQ(times_predicted(tokens, 8, stride), expected) << tokens << " tokens, stride " << stride;
    }
}

TEST(SlidingWindows, ThatShareNothingLeaveTheFirstOfEachOut) {
  EXPECT_THAT(times_predicted(10, 4, 4), testing::ElementsAre(0, 1, 1, 1, 0, 1, 1, 1, 0, 1));
  EXPECT_THAT(times_predicted(9, 4, 4), testing::ElementsAre(0, 1, 1, 1, 0, 1, 1, 1, 0));
}

TEST(SlidingWindows, StopWithTheText) {
  EXPECT_TRUE(sliding_windows(1, 8, 4).empty());
  EXPECT_EQ(sliding_windows(8, 8, 4).size(), 1U);
  EXPECT_EQ(sliding_windows(9, 8, 4).size(), 2U);
}

TEST(TakeWindows, PlacesPredictionsOnTheRowBefore) {
  const std::vector<TokenId> tokens{5, 6, 7, 8, 9, 10};
  std::size_t next = 0;
  const WindowBatch batch = take_windows(tokens, sliding_windows(tokens.size(), 4, 2), next);
  EXPECT_EQ(next, 2U);
  EXPECT_THAT(batch.tokens.ids(), testing::ElementsAre(5, 6, 7, 7, 8, 9));
  ASSERT_EQ(batch.predictions.size(), 5U);
  EXPECT_EQ(batch.predictions[0].row, 0U);
  EXPECT_EQ(batch.predictions[0].token, 6);
  EXPECT_EQ(batch.predictions[3].row, 4U);  // 9 is predicted by the 8 of the second window
  EXPECT_EQ(batch.predictions[3].token, 9);
  EXPECT_EQ(batch.predictions[4].token, 10);
}

}  // namespace
}  // namespace pare::eval
