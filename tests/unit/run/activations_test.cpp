// Names of activations mean what they mean in transformers.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "kernels/elementwise.h"
#include "run/settings.h"

namespace pare::run {
namespace {

TEST(Activations, AreThoseOfTransformers) {
  const auto golden =
      nlohmann::json::parse(std::ifstream(std::filesystem::path(PARE_SOURCE_DIR) / "tests/golden/activations.json"));
  const auto x = golden["x"].get<std::vector<float>>();
  for (const auto& [name, values] : golden["y"].items()) {
    std::vector<float> y = x;
    kernels::activate(activation_named({}, name), y.data(), y.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double expected = values[i].get<double>();
      EXPECT_NEAR(y[i], expected, 2e-6 * (1 + std::abs(expected))) << name << " of " << x[i];
    }
  }
}

}  // namespace
}  // namespace pare::run
