// Linears with random weights and inputs.
#pragma once

#include <random>
#include <vector>

#include "calibrate/linear_task.h"

namespace pare::calibrate {

inline std::vector<float> random_normal(std::size_t n, unsigned seed) {
  std::mt19937_64 draw(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(n);
  for (float& value : values) value = normal(draw);
  return values;
}

inline LinearTask test_task(std::size_t out, std::size_t in, unsigned seed, bool out_in) {
  LinearTask task;
  task.out = out;
  task.in = in;
  task.out_in = out_in;
  task.weights = random_normal(out * in, seed);
  task.removed.resize(out * in);
  return task;
}

inline std::vector<double> test_squares(std::size_t n, unsigned seed) {
  std::vector<double> squares;
  for (const float value : random_normal(n, seed))
    squares.push_back(static_cast<double>(value) * static_cast<double>(value));
  return squares;
}

}  // namespace pare::calibrate
