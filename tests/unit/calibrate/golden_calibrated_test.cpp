// Criteria that change weights against NumPy (tests/golden/make_calibrated.py), and degenerate inputs.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "calibrate/alps.h"
#include "calibrate/choose.h"
#include "calibrate/refit.h"
#include "calibrate/sparsegpt.h"
#include "unit/calibrate/tasks.h"

namespace pare::calibrate {
namespace {

using Json = nlohmann::json;

/// The generator of make_calibrated.py.
std::vector<float> numbers(std::uint64_t seed, std::size_t n) {
  std::vector<float> values(n);
  for (float& value : values) {
    seed = seed * 6364136223846793005U + 1442695040888963407U;
    value = static_cast<float>(static_cast<double>(seed >> 40U) / 16777216.0 - 0.5);
  }
  return values;
}

/// inputs_of() of make_calibrated.py.
Matrix inputs_of(const Json& golden) {
  Matrix x(golden["tokens"], golden["in"]);
  const std::vector<float> drawn = numbers(golden["seed"].get<std::uint64_t>() + 1, x.values.size());
  x.values.assign(drawn.begin(), drawn.end());
  const std::string kind = golden["inputs"];
  for (std::size_t row = 0; row < x.rows; ++row) {
    double sum = 0;
    for (std::size_t i = 0; i < x.columns; ++i) {
      float& value = x.row(row)[i];
      sum += static_cast<double>(value);
      if (kind == "correlated") value = static_cast<float>(sum);
      if (kind == "rank one") value = x.row(0)[i];
      if (kind == "constant") value = 1;
      if (kind == "some zero" && i % 3 == 0) value = 0;
    }
  }
  return x;
}

SharedInputs gathered(const Matrix& x) {
  SharedInputs inputs;
  inputs.linears = {"w"};
  inputs.in = x.columns;
  inputs.tokens = x.rows;
  inputs.products = base::AlignedBuffer<double>(x.columns * x.columns);
  std::fill_n(inputs.products.data(), x.columns * x.columns, 0.0);
  add_products(x, inputs.products.data(), Context(2));
  return inputs;
}

LinearTask task_of(const Json& golden) {
  LinearTask task;
  task.out = golden["out"];
  task.in = golden["in"];
  task.weights = numbers(golden["seed"], task.out * task.in);
  task.removed.resize(task.weights.size());
  if (golden.contains("pattern"))
    task.pattern = {Pattern::Kind::kNOfM, golden["pattern"][0], golden["pattern"][1]};
  else
    task.amount.fraction = golden["level"];
  return task;
}

Json golden_cases(const char* criterion) {
  std::ifstream file(std::string(PARE_SOURCE_DIR) + "/tests/golden/calibrated.json");
  return Json::parse(file)[criterion];
}

TEST(SparseGpt, AgreesWithNumPy) {
  for (const Json& golden : golden_cases("sparsegpt")) {
    SCOPED_TRACE(golden["inputs"].get<std::string>() + ", seed " + std::to_string(golden["seed"].get<int>()));
    LinearTask task = task_of(golden);
    const double damping = golden.value("damping", kDamping);
    const InverseFactor factor = factor_inverse(gathered(inputs_of(golden)), damping, Context(2));
    EXPECT_EQ(factor.damping, damping);
    prune_by_sparsegpt(task, factor, golden.value("columns_at_once", std::size_t{128}), Context(2));
    EXPECT_TRUE(task.changed);
    for (std::size_t row = 0; row < task.out; ++row) {
      std::string removed;
      for (std::size_t i = 0; i < task.in; ++i) removed += task.removed_row(row)[i] != 0 ? '1' : '0';
      ASSERT_EQ(removed, golden["removed"][row]) << "row " << row;
    }
    double largest = 0;
    for (const Json& value : golden["values"]) largest = std::max(largest, std::fabs(value.get<double>()));
    // Products are summed in F32, whose rounding errors the inverse of nearly dependent inputs magnifies.
    for (std::size_t i = 0; i < task.weights.size(); ++i)
      ASSERT_NEAR(static_cast<double>(task.weights[i]), golden["values"][i].get<double>(), 5e-4 * largest) << i;
  }
}

TEST(SparseGpt, GivesTheSameBitsWithAnyNumberOfThreads) {
  const Json golden = {{"seed", 5},   {"out", 200}, {"in", 500}, {"tokens", 600}, {"inputs", "correlated"},
                       {"level", 0.5}};
  const Matrix x = inputs_of(golden);
  LinearTask one = task_of(golden), three = task_of(golden);
  prune_by_sparsegpt(one, factor_inverse(gathered(x), kDamping, Context(1)), 128, Context(1));
  prune_by_sparsegpt(three, factor_inverse(gathered(x), kDamping, Context(3)), 128, Context(3));
  EXPECT_EQ(one.removed, three.removed);
  EXPECT_EQ(one.weights, three.weights);
}

std::vector<std::string> removed_text(LinearTask& task) {
  std::vector<std::string> rows(task.out);
  for (std::size_t row = 0; row < task.out; ++row)
    for (std::size_t i = 0; i < task.in; ++i) rows[row] += task.removed_row(row)[i] != 0 ? '1' : '0';
  return rows;
}

/// The squared error of a task's weights in the scaled problem.
double error_of(const LinearTask& task, const std::vector<float>& dense, const ScaledHessian& hessian) {
  double error = 0;
  std::vector<double> difference(task.in);
  for (std::size_t row = 0; row < task.out; ++row) {
    for (std::size_t i = 0; i < task.in; ++i)
      difference[i] = static_cast<double>(task.weights[row * task.in + i] - dense[row * task.in + i]) *
                      static_cast<double>(hessian.scale[i]);
    for (std::size_t i = 0; i < task.in; ++i)
      for (std::size_t j = 0; j < task.in; ++j)
        error += difference[i] * difference[j] * static_cast<double>(hessian.values.row(i)[j]);
  }
  return error;
}

TEST(Refit, ReachesTheLeastSquaresOfNumPy) {
  for (const Json& golden : golden_cases("refit")) {
    SCOPED_TRACE(golden["inputs"].get<std::string>() + ", seed " + std::to_string(golden["seed"].get<int>()));
    LinearTask task = task_of(golden);
    const std::vector<float> dense = task.weights;
    choose_smallest(dense, task, Context(2));
    EXPECT_EQ(removed_text(task), golden["removed"].get<std::vector<std::string>>());
    const ScaledHessian hessian = scaled_hessian(gathered(inputs_of(golden)), kDamping);
    refit(task, dense, hessian, 200, Context(2));
    double largest = 0;
    for (const Json& value : golden["values"]) largest = std::max(largest, std::fabs(value.get<double>()));
    for (std::size_t i = 0; i < dense.size(); ++i)
      ASSERT_NEAR(static_cast<double>(task.weights[i]), golden["values"][i].get<double>(), 2e-3 * largest) << i;
  }
}

TEST(Alps, ChoosesAsNumPyAndFits) {
  for (const Json& golden : golden_cases("refit")) {
    SCOPED_TRACE(golden["inputs"].get<std::string>() + ", seed " + std::to_string(golden["seed"].get<int>()));
    LinearTask task = task_of(golden);
    const std::vector<float> dense = task.weights;
    const ScaledHessian hessian = scaled_hessian(gathered(inputs_of(golden)), kDamping);
    prune_by_alps(task, hessian, Context(2));
    EXPECT_TRUE(task.changed);
    EXPECT_EQ(removed_text(task), golden["alps"]["removed"].get<std::vector<std::string>>());
    const double best = golden["alps"]["error"], unfitted = golden["alps"]["unfitted"],
                 error = error_of(task, dense, hessian);
    EXPECT_LT(error - best, 0.02 * (unfitted - best) + 1e-3 * best) << best << ' ' << unfitted << ' ' << error;
  }
}

TEST(Alps, GivesTheSameBitsWithAnyNumberOfThreads) {
  const Json golden = {{"seed", 5},   {"out", 300}, {"in", 200}, {"tokens", 300}, {"inputs", "correlated"},
                       {"level", 0.6}};
  const ScaledHessian hessian = scaled_hessian(gathered(inputs_of(golden)), kDamping);
  LinearTask one = task_of(golden), three = task_of(golden);
  prune_by_alps(one, hessian, Context(1));
  prune_by_alps(three, hessian, Context(3));
  EXPECT_EQ(one.removed, three.removed);
  EXPECT_EQ(one.weights, three.weights);
}

TEST(Alps, TakesEverythingOrNothing) {
  for (const double level : {0.0, 1.0}) {
    const Json golden = {{"seed", 5},     {"out", 10}, {"in", 20}, {"tokens", 30}, {"inputs", "correlated"},
                         {"level", level}};
    const ScaledHessian hessian = scaled_hessian(gathered(inputs_of(golden)), kDamping);
    LinearTask task = task_of(golden);
    const std::vector<float> dense = task.weights;
    prune_by_alps(task, hessian, Context(1));
    EXPECT_EQ(std::count(task.removed.begin(), task.removed.end(), 1), static_cast<std::ptrdiff_t>(level * 200));
    for (std::size_t i = 0; i < dense.size(); ++i) EXPECT_NEAR(task.weights[i], level == 0 ? dense[i] : 0.0F, 1e-4F);
  }
}

TEST(Factor, InvertsTheHessian) {
  for (const std::size_t n : {1U, 63U, 64U, 65U, 200U}) {
    const Matrix x = inputs_of({{"seed", 9}, {"in", n}, {"tokens", 2 * n}, {"inputs", "independent"}});
    const SharedInputs inputs = gathered(x);
    const InverseFactor factor = factor_inverse(inputs, kDamping, Context(2));
    double mean = 0;
    for (std::size_t i = 0; i < n; ++i) mean += inputs.products.data()[i * n + i] / static_cast<double>(n);
    // (H + damping) U^T U must be 1.
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j) {
        double sum = 0;
        for (std::size_t k = 0; k < n; ++k) {
          double inverse = 0;
          for (std::size_t r = 0; r <= std::min(k, j); ++r)
            inverse += static_cast<double>(factor.upper.row(r)[k]) * static_cast<double>(factor.upper.row(r)[j]);
          sum += inverse *
                 (inputs.products.data()[std::min(i, k) * n + std::max(i, k)] + (i == k ? kDamping * mean : 0.0));
        }
        ASSERT_NEAR(sum, i == j ? 1 : 0, 1e-4) << n << ' ' << i << ' ' << j;
      }
  }
}

TEST(Factor, RaisesTheDampingOfAHessianThatIsNotPositive) {
  SharedInputs inputs = gathered(inputs_of({{"seed", 9}, {"in", 20}, {"tokens", 40}, {"inputs", "independent"}}));
  for (std::size_t i = 1; i < 20; ++i) inputs.products.data()[i] = 100;  // more than any rounding would do
  const InverseFactor factor = factor_inverse(inputs, kDamping, Context(1));
  EXPECT_GT(factor.damping, kDamping);
  for (std::size_t i = 0; i < factor.n; ++i)
    for (std::size_t j = 0; j < factor.n; ++j) EXPECT_TRUE(std::isfinite(factor.upper.row(i)[j]));
}

}  // namespace
}  // namespace pare::calibrate
