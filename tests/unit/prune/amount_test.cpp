#include <gtest/gtest.h>

#include <cmath>

#include "pare/prune.h"
#include "support/errors.h"

namespace pare {
namespace {

TEST(Amount, RoundsHalfToEvenAsPython) {
  // round(amount * n) in Python 3: 0.5 * 5 = 2.5 -> 2, 0.5 * 7 = 3.5 -> 4, 0.1 * 25 = 2.5 -> 2
  EXPECT_EQ(Amount::percent("50").of(5), 2U);
  EXPECT_EQ(Amount::percent("50").of(7), 4U);
  EXPECT_EQ(Amount::percent("10").of(25), 2U);
  EXPECT_EQ(Amount::percent("0").of(25), 0U);
  EXPECT_EQ(Amount::percent("100").of(25), 25U);
  EXPECT_EQ(Amount::percent("99").of(84934656), 84085309U);  // round(0.99 * 84934656)
}

TEST(Amount, PercentIsTheNearestDoubleOfTheFraction) {
  EXPECT_EQ(Amount::percent("99.9").fraction, 0.999);
  EXPECT_EQ(Amount::percent("10%").fraction, 0.1);
  EXPECT_EQ(Amount::percent("95").fraction, 0.95);
  EXPECT_EQ(Amount::percent("1e1").fraction, 0.1);
  EXPECT_EQ(Amount::percent("7").fraction, 0.07);
}

TEST(Amount, LabelsAreShort) {
  EXPECT_EQ(Amount::percent("90.0%").label, "90");
  EXPECT_EQ(Amount::percent("99.95").label, "99.95");
  EXPECT_EQ(Amount::pytorch("0.5").label, "amount-0.5");
  EXPECT_EQ(Amount::pytorch("1000").label, "amount-1000");
}

TEST(Amount, PytorchTakesFractionsAndCounts) {
  EXPECT_EQ(Amount::pytorch("0.5").of(7), 4U);
  EXPECT_EQ(Amount::pytorch("3").of(7), 3U);
  EXPECT_EQ(Amount::pytorch("1").of(7), 1U);  // an int is a count, as in PyTorch
  EXPECT_EQ(Amount::pytorch("1.0").of(7), 7U);
  EXPECT_THROW(Amount::pytorch("8").of(7), Error);
}

TEST(Amount, RefusesFractionsBeyondTheWhole) {
  for (const double fraction : {std::nan(""), -0.1, 1.1})
    EXPECT_THAT([&] { (Amount{fraction, std::nullopt, "x"}.of(7)); }, test::ThrowsError(ErrorCode::kArgument));
}

TEST(Amount, RefusesWhatIsNoAmount) {
  for (const char* text : {"", "%", "ten", "-1", "101", "nan", "inf", "5x", "1e9"})
    EXPECT_THAT([&] { Amount::percent(text); }, test::ThrowsError(ErrorCode::kArgument)) << text;
  for (const char* text : {"", "1.5", "-0.1", "-3", "nan", "half"})
    EXPECT_THAT([&] { Amount::pytorch(text); }, test::ThrowsError(ErrorCode::kArgument)) << text;
}

}  // namespace
}  // namespace pare
