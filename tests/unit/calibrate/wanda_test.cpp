// Wanda against a plain loop over sorted scores.
#include "calibrate/wanda.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "pare/error.h"
#include "unit/calibrate/tasks.h"

namespace pare::calibrate {
namespace {

/// The columns that a group of a row loses: smallest scores first, then smallest columns.
std::vector<std::size_t> lowest(const std::vector<double>& scores, std::size_t begin, std::size_t end,
                                std::size_t count) {
  std::vector<std::size_t> order(end - begin);
  std::iota(order.begin(), order.end(), begin);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return scores[a] < scores[b]; });
  order.resize(count);
  return order;
}

void expect_wanda(LinearTask task, const std::vector<double>& squares, std::size_t group, std::size_t count) {
  std::vector<std::uint8_t> expected(task.removed.size());
  for (std::size_t row = 0; row < task.out; ++row) {
    std::vector<double> scores;
    for (std::size_t i = 0; i < task.in; ++i)
      scores.push_back(std::fabs(static_cast<double>(task.row(row)[i]) * std::sqrt(squares[i])));
    for (std::size_t begin = 0; begin < task.in; begin += group)
      for (const std::size_t column : lowest(scores, begin, std::min(task.in, begin + group), count))
        expected[row * task.in + column] = 1;
  }
  for (const unsigned threads : {1U, 3U}) {
    std::fill(task.removed.begin(), task.removed.end(), std::uint8_t{0});
    prune_by_wanda(task, squares, Context(threads));
    EXPECT_EQ(task.removed, expected);
    EXPECT_FALSE(task.changed);
  }
}

TEST(Wanda, RemovesTheSmallestScoresOfEachRow) {
  for (const bool out_in : {true, false}) {
    const LinearTask task = test_task(13, 40, 1, out_in);
    LinearTask half = task;
    half.amount = Amount::percent("55");
    expect_wanda(half, test_squares(40, 2), 40, 22);
  }
}

TEST(Wanda, RemovesTheSmallestScoresOfEachGroup) {
  LinearTask task = test_task(6, 32, 3, true);
  task.pattern = Pattern::parse("2:4");
  expect_wanda(task, test_squares(32, 4), 4, 2);
  task.pattern = Pattern::parse("1:8");
  expect_wanda(task, test_squares(32, 4), 8, 7);
}

TEST(Wanda, TakesTiesInOrderAndNaNLast) {
  LinearTask task = test_task(2, 6, 5, true);
  task.weights = {1, -1, 1, 1, -1, 1, std::numeric_limits<float>::quiet_NaN(), 3, -0.0F, 2, 0, 5};
  task.amount = Amount::percent("50");
  prune_by_wanda(task, std::vector<double>(6, 1.0), Context(1));
  EXPECT_EQ(task.removed, (std::vector<std::uint8_t>{1, 1, 1, 0, 0, 0, 0, 0, 1, 1, 1, 0}));
}

TEST(LinearTask, MustBeFiniteToBeFitted) {
  LinearTask task = test_task(3, 4, 8, true);
  require_finite(task, "model", "w");
  for (const float bad : {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    task.weights[6] = bad;
    try {
      require_finite(task, "model", "w");
      ADD_FAILURE() << "was not refused";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
      EXPECT_EQ(error.tensor(), "w");
      EXPECT_NE(std::string(error.what()).find("output 1, input 2"), std::string::npos) << error.what();
    }
  }
}

TEST(LinearTask, PrunesByMagnitude) {
  LinearTask task = test_task(2, 5, 9, true);
  task.weights = {5, -1, 3, 0, 2, 1, 4, -6, 1, 9};
  task.amount = Amount::percent("40");
  prune_by_magnitude(task);
  EXPECT_EQ(task.removed, (std::vector<std::uint8_t>{0, 1, 0, 1, 0, 1, 0, 0, 1, 0}));
  task.pattern = Pattern::parse("1:3");
  std::fill(task.removed.begin(), task.removed.end(), std::uint8_t{0});
  prune_by_magnitude(task);  // the last group of a row has two weights, of which one stays
  EXPECT_EQ(task.removed, (std::vector<std::uint8_t>{0, 1, 1, 1, 0, 1, 1, 0, 1, 0}));
}

TEST(Wanda, RemovesWeightsWithoutInputFirst) {
  LinearTask task = test_task(3, 10, 6, true);
  std::vector<double> squares = test_squares(10, 7);
  for (const std::size_t dead : {1, 4, 8}) squares[dead] = 0;
  task.amount = Amount::percent("30");
  prune_by_wanda(task, squares, Context(1));
  for (std::size_t row = 0; row < 3; ++row)
    for (std::size_t i = 0; i < 10; ++i)
      EXPECT_EQ(task.removed_row(row)[i], i == 1 || i == 4 || i == 8) << row << ' ' << i;
}

}  // namespace
}  // namespace pare::calibrate
