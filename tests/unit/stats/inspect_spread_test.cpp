// Which layers stand out, worked out by hand from the definition.
#include "stats/inspect_spread.h"

#include <gmock/gmock.h>

namespace pare::stats {
namespace {

using testing::DoubleEq;
using testing::DoubleNear;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(Outliers, FarFromTheMedianInUnitsOfTheMad) {
  // NIST's tensile strengths (in thousandths): median 201.37, MAD 0.995, so the last has a modified
  // z-score of 0.6745 * 44.2 / 0.995 = 30 and the one before 0.55.
  EXPECT_THAT(outliers({.19931, .19953, .20019, .20082, .20192, .20195, .20218, .24557}), ElementsAre(7));
}

TEST(Outliers, BothSidesAndTheThresholdItself) {
  // Median 0, MAD 0.1: a score of 3.5 is reached at 0.1 * 3.5 / 0.6745 = 0.51891.
  EXPECT_THAT(outliers({-.1, -.1, 0, .1, .1, .5188, -.5188}), IsEmpty());
  EXPECT_THAT(outliers({-.1, -.1, 0, .1, .1, .5190, -.5190}), ElementsAre(5, 6));
}

TEST(Outliers, MeanDeviationWhereTheMadIsZero) {
  // Mean absolute deviation 0.1 / 7: 0.1 / (1.253314 * 0.1 / 7) = 5.6.
  EXPECT_THAT(outliers({.1, .1, .2, .1, .1, .1, .1}), ElementsAre(2));
  // 0.06: the farther one scores 0.2 / (1.253314 * 0.06) = 2.7.
  EXPECT_THAT(outliers({.1, .1, .1, .2, .3}), IsEmpty());
  EXPECT_THAT(outliers({.1, .1, .1, .1, .1}), IsEmpty());
}

TEST(Outliers, NeedFiveValuesAndADifferenceOneCanSee) {
  EXPECT_THAT(outliers({.1, .1, .1, .9}), IsEmpty());
  EXPECT_THAT(outliers({.1, .1, .1, .1, .1, .1, .1, .10009}), IsEmpty());
  EXPECT_THAT(outliers({.1, .1, .1, .1, .1, .1, .1, .10011}), ElementsAre(7));
  EXPECT_THAT(outliers({}), IsEmpty());
}

TEST(Spread, MomentsAreThoseOfASample) {
  LayerSpread spread;
  spread.layers = {3, 4, 5, 6, 9};
  spread.shares = {.1, .3, .2, .2, .9};
  summarize(spread);
  EXPECT_THAT(spread.min, DoubleEq(.1));
  EXPECT_THAT(spread.max, DoubleEq(.9));
  EXPECT_THAT(spread.mean, DoubleEq(.34));
  EXPECT_THAT(spread.std, DoubleNear(.32093613071762425, 1e-15));  // numpy.std(..., ddof=1)
  EXPECT_THAT(spread.outlying, ElementsAre(9));                    // the layer's number, not its index in the list
}

}  // namespace
}  // namespace pare::stats
