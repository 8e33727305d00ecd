// The smallest values of a matrix, against a sorted list of all.
#include "calibrate/choose.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "unit/calibrate/tasks.h"

namespace pare::calibrate {
namespace {

std::vector<std::uint8_t> removed_by_sorting(const LinearTask& task, const std::vector<float>& values) {
  std::vector<Candidate> all;
  for (std::uint32_t row = 0; row < task.out; ++row)
    for (std::uint32_t i = 0; i < task.in; ++i)
      all.push_back(
          {score_key(std::fabs(static_cast<double>(values[row * task.in + i]))), task.stored(row, i), row, i});
  std::sort(all.begin(), all.end());
  std::vector<std::uint8_t> removed(all.size());
  for (std::size_t k = 0; k < task.amount.of(all.size()); ++k) removed[all[k].row * task.in + all[k].column] = 1;
  return removed;
}

LinearTask task_with(std::size_t out, std::size_t in, const std::string& percent, bool out_in = true) {
  LinearTask task = test_task(out, in, 1, out_in);
  task.amount = Amount::percent(percent);
  return task;
}

TEST(SmallestChooser, FollowsValuesThatChange) {
  for (const unsigned threads : {1U, 3U}) {
    LinearTask task = task_with(300, 401, "70");  // two pieces
    const Context context(threads);
    SmallestChooser chooser(task, context);
    std::vector<float> values = random_normal(task.weights.size(), 2);
    unsigned seed = 3;
    // Smaller and larger steps, a jump, and nothing at all.
    for (const float step : {1e-3F, 1e-3F, 1e-2F, 0.3F, 1e-4F, 100.0F, 0.0F, 1e-3F, 1e4F, 1e-3F}) {
      chooser.choose(values);
      ASSERT_EQ(task.removed, removed_by_sorting(task, values)) << step;
      const std::vector<float> change = random_normal(values.size(), seed++);
      for (std::size_t i = 0; i < values.size(); ++i) values[i] += step * change[i];
      if (step == 100) std::fill(values.begin(), values.begin() + 90'000, 0.0F);
    }
  }
}

TEST(SmallestChooser, TakesEveryLevelOfFewAndOfManyValues) {
  for (const std::size_t out : {1U, 7U, 200U})
    for (const char* percent : {"0", "0.001", "1", "50", "99", "99.999", "100"}) {
      LinearTask task = task_with(out, 333, percent);
      const std::vector<float> values = random_normal(task.weights.size(), 4);
      choose_smallest(values, task, Context(2));
      EXPECT_EQ(task.removed, removed_by_sorting(task, values)) << out << ' ' << percent;
    }
}

TEST(SmallestChooser, TakesEqualValuesInTheOrderInWhichTheyAreStored) {
  for (const bool out_in : {true, false})
    for (const char* percent : {"10", "50", "90"}) {
      LinearTask task = task_with(211, 301, percent, out_in);
      std::vector<float> values = random_normal(task.weights.size(), 5);
      for (float& value : values) value = std::round(value);  // 0 and -0 among them
      choose_smallest(values, task, Context(3));
      EXPECT_EQ(task.removed, removed_by_sorting(task, values)) << percent;
    }
}

TEST(SmallestChooser, KeepsInfinitiesLongest) {
  LinearTask task = task_with(200, 300, "99.99");
  std::vector<float> values = random_normal(task.weights.size(), 6);
  for (std::size_t i = 0; i < values.size(); i += 5000) values[i] = std::numeric_limits<float>::infinity();
  choose_smallest(values, task, Context(1));
  for (std::size_t i = 0; i < values.size(); i += 10'000) values[i] = -values[i];
  EXPECT_EQ(task.removed, removed_by_sorting(task, values));
}

}  // namespace
}  // namespace pare::calibrate
