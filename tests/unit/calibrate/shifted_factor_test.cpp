// Solutions of equations with a shifted Hessian: multiplied back in F64, they give the right sides.
#include "calibrate/algebra/shifted_factor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "pare/error.h"

namespace pare::calibrate {
namespace {

/// Of columns i and j, cos(i - j) plus 1 on the diagonal, scaled: positive semidefinite plus 1.
ScaledHessian hessian_of(std::size_t n) {
  ScaledHessian hessian;
  hessian.n = n;
  hessian.scale.assign(n, 1);
  hessian.values = SpreadSquare(n);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j)
      hessian.values.row(i)[j] = i == j ? 1.0F : 0.5F * std::cos(static_cast<float>(i) - static_cast<float>(j));
  return hessian;
}

TEST(ShiftedFactor, SolvesRows) {
  constexpr double kShift = 0.25;
  constexpr std::size_t kRows = 3;
  for (const std::size_t n : {1U, 127U, 128U, 129U, 300U}) {
    const ScaledHessian hessian = hessian_of(n);
    ShiftedFactor one(hessian), three(hessian);
    one.set_shift(kShift, Context(1));
    three.set_shift(2, Context(3));
    three.set_shift(kShift, Context(3));
    std::vector<float> right(kRows * n), buffer, x(right.size()), same(right.size());
    for (std::size_t i = 0; i < right.size(); ++i) right[i] = std::sin(static_cast<float>(i * i));
    std::vector<float> first = right, second = right;
    one.solve(first.data(), kRows, x.data(), buffer);
    three.solve(second.data(), kRows, same.data(), buffer);
    EXPECT_EQ(x, same) << n;
    for (std::size_t row = 0; row < kRows; ++row)
      for (std::size_t j = 0; j < n; ++j) {
        double sum = kShift * static_cast<double>(x[row * n + j]);
        for (std::size_t i = 0; i < n; ++i)
          sum += static_cast<double>(x[row * n + i]) * static_cast<double>(hessian.values.row(i)[j]);
        ASSERT_NEAR(sum, static_cast<double>(right[row * n + j]), 1e-5) << n << ' ' << row << ' ' << j;
      }
  }
}

TEST(ShiftedFactor, TakesF64WhereF32Fails) {
  ScaledHessian hessian = hessian_of(200);
  for (std::size_t i = 0; i < hessian.n; ++i) std::fill_n(hessian.values.row(i), hessian.n, 1.0F);  // of rank one
  ShiftedFactor factor(hessian);
  factor.set_shift(1e-9, Context(2));  // 1 + 1e-9 is 1 in F32
  std::vector<float> right(200, 1.0F), x(200), buffer;
  factor.solve(right.data(), 1, x.data(), buffer);
  for (const float value : x) EXPECT_TRUE(std::isfinite(value));
}

TEST(ShiftedFactor, RefusesWhatIsNotPositiveDefinite) {
  const ScaledHessian hessian = hessian_of(200);
  ShiftedFactor factor(hessian);
  try {
    factor.set_shift(-2, Context(2));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
  }
}

}  // namespace
}  // namespace pare::calibrate
