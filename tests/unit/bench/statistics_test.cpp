// Medians, spreads, percentiles.
#include "bench/statistics.h"

#include <gtest/gtest.h>

namespace pare::bench {
namespace {

TEST(Spread, OfAnOddNumberHasTheMiddleOne) {
  const Spread spread = spread_of({3, 1, 2});
  EXPECT_EQ(spread.median, 2);
  EXPECT_EQ(spread.low, 1);
  EXPECT_EQ(spread.high, 3);
}

TEST(Spread, OfAnEvenNumberHasTheMeanOfTheMiddleTwo) { EXPECT_EQ(spread_of({4, 1, 3, 10}).median, 3.5); }

TEST(Spread, OfNothingIsNothing) {
  EXPECT_EQ(spread_of({}).median, 0);
  EXPECT_EQ(spread_of({}).high, 0);
}

TEST(Spread, OfRatiosPairsRuns) {
  // Not the ratio of the medians, which would be 2.
  const Spread spread = spread_of_ratios({1, 4, 9}, {1, 2, 3});
  EXPECT_EQ(spread.low, 1);
  EXPECT_EQ(spread.median, 2);
  EXPECT_EQ(spread.high, 3);
  EXPECT_EQ(spread_of_ratios({10, 1, 1}, {1, 1, 10}).median, 1);
}

TEST(Percentile, IsTheNearestRank) {
  PassTimes times;
  for (int i = 1; i <= 10; ++i) times.steps.push_back(i);
  EXPECT_EQ(times.percentile(0.5), 5);
  EXPECT_EQ(times.percentile(0.9), 9);
  EXPECT_EQ(times.percentile(0.99), 10);
  EXPECT_EQ(times.percentile(0), 1);
  EXPECT_EQ(times.percentile(1), 10);
}

TEST(Percentile, OfExactRanksIsNotRoundedUp) {
  PassTimes times;
  for (int i = 1; i <= 1000; ++i) times.steps.push_back(i);
  for (int percent = 1; percent <= 100; ++percent) EXPECT_EQ(times.percentile(percent / 100.0), 10 * percent);
}

TEST(Percentile, OfNothingIsNothing) { EXPECT_EQ(PassTimes().percentile(0.5), 0); }

}  // namespace
}  // namespace pare::bench
