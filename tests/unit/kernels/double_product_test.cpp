// Products of F64 against plain loops, for every instruction set.
#include "kernels/double_product.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "kernels/targets.h"

namespace pare::kernels {
namespace {

std::vector<double> random_doubles(std::size_t n, unsigned seed) {
  std::mt19937_64 draw(seed);
  std::vector<double> values(n);
  for (double& value : values) value = std::uniform_real_distribution<double>(-1, 1)(draw);
  return values;
}

class DoubleProduct : public testing::TestWithParam<std::string> {
 protected:
  DoubleProduct() { force_target(GetParam()); }
  ~DoubleProduct() override { force_target(""); }
};

TEST_P(DoubleProduct, AddsTheProduct) {
  for (const auto& [rows, inner, columns] : {std::tuple<std::size_t, std::size_t, std::size_t>{1, 1, 1},
                                             {3, 5, 7},
                                             {4, 128, 16},
                                             {9, 129, 33},
                                             {17, 300, 15},
                                             {2, 0, 3}}) {
    const std::size_t a_stride = inner + 3, b_stride = columns + 1, c_stride = columns + 2;
    const std::vector<double> a = random_doubles(rows * a_stride, 1), b = random_doubles(inner * b_stride + 1, 2);
    std::vector<double> c = random_doubles(rows * c_stride, 3), expected = c;
    for (std::size_t i = 0; i < rows; ++i)
      for (std::size_t j = 0; j < columns; ++j)
        for (std::size_t k = 0; k < inner; ++k)
          expected[i * c_stride + j] -= 2 * a[i * a_stride + k] * b[k * b_stride + j];
    add_product({a.data(), a_stride}, {b.data(), b_stride}, rows, inner, columns, -2, {c.data(), c_stride});
    for (std::size_t i = 0; i < c.size(); ++i) ASSERT_NEAR(c[i], expected[i], 1e-12) << rows << ' ' << inner;
  }
}

TEST_P(DoubleProduct, HasTheSameBitsInPieces) {
  const std::size_t rows = 13, inner = 200, columns = 50;
  const std::vector<double> a = random_doubles(rows * inner, 4), b = random_doubles(inner * columns, 5);
  std::vector<double> whole(rows * columns), pieces(rows * columns);
  add_product({a.data(), inner}, {b.data(), columns}, rows, inner, columns, 1, {whole.data(), columns});
  for (std::size_t row = 0; row < rows; row += 5)
    for (std::size_t column = 0; column < columns; column += 21)
      add_product({a.data() + row * inner, inner}, {b.data() + column, columns}, std::min<std::size_t>(5, rows - row),
                  inner, std::min<std::size_t>(21, columns - column), 1,
                  {pieces.data() + row * columns + column, columns});
  EXPECT_EQ(whole, pieces);
}

INSTANTIATE_TEST_SUITE_P(Machine, DoubleProduct, testing::ValuesIn(supported_targets()),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace pare::kernels
