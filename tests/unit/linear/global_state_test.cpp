// A host program's settings survive calls of pare, and PARE_TARGET reaches every stage.
#include <gtest/gtest.h>

#include <cstdlib>
#include <vector>

#include "kernels/targets.h"
#include "linear/linear.h"
#include "pare/error.h"
#include "pare/tune.h"

extern "C" int omp_get_max_threads();
extern "C" void omp_set_num_threads(int);

namespace pare::linear {
namespace {

class OpenMpSetting : public testing::TestWithParam<std::size_t> {
 protected:
  void SetUp() override { omp_set_num_threads(3); }
  void TearDown() override { omp_set_num_threads(before_); }

 private:
  const int before_ = omp_get_max_threads();
};

TEST_P(OpenMpSetting, SurvivesAProduct) {
  const std::vector<float> weight(64 * 64, 0.5F), bias(64, 1.0F);
  Matrix x(GetParam(), 64);
  x.values.assign(x.values.size(), 1.0F);
  for (const unsigned threads : {1U, 2U}) {
    const Matrix y = apply(Linear({{weight.data(), 64, 64}}, bias.data()), x, Context(threads));
    EXPECT_EQ(y.values.back(), 33.0F);
    EXPECT_EQ(omp_get_max_threads(), 3) << threads << " threads";
  }
}

INSTANTIATE_TEST_SUITE_P(DecodeAndPrefill, OpenMpSetting, testing::Values(1, 4, 5, 64));

/// Each of these tests needs a process in which no kernel has run.
class TargetVariable : public testing::Test {
 protected:
  void SetUp() override { testing::GTEST_FLAG(death_test_style) = "threadsafe"; }
};

TEST_F(TargetVariable, IsTheTargetOfCosts) {
  const auto matches = [] {
    const std::string plainest = kernels::supported_targets().back();
    ::setenv("PARE_TARGET", plainest.c_str(), 1);
    std::exit(standard_kernel_costs().target == plainest ? 0 : 1);
  };
  EXPECT_EXIT(matches(), testing::ExitedWithCode(0), "");
}

TEST_F(TargetVariable, IsReadByTheFirstKernelCalled) {
  const auto matches = [] {
    const std::string plainest = kernels::supported_targets().back();
    ::setenv("PARE_TARGET", plainest.c_str(), 1);
    const std::vector<float> weight(1, 2.0F);
    Matrix x(1, 1);
    apply(Linear({{weight.data(), 1, 1}}), x, Context(1));
    ::unsetenv("PARE_TARGET");
    std::exit(kernels::current_target() == plainest ? 0 : 1);
  };
  EXPECT_EXIT(matches(), testing::ExitedWithCode(0), "");
}

TEST_F(TargetVariable, MustNameATargetOfTheMachine) {
  const auto fails = [] {
    ::setenv("PARE_TARGET", "Z80", 1);
    int failures = 0;
    for (int call = 0; call < 2; ++call) try {
        standard_kernel_costs();
      } catch (const Error& error) {
        failures += std::string(error.what()).find("'Z80'") != std::string::npos ? 1 : 0;
      }
    std::exit(failures == 2 ? 0 : 1);
  };
  EXPECT_EXIT(fails(), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace pare::linear
