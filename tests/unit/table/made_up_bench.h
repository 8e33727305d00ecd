// A bench with made-up figures.
#pragma once

#include <string>
#include <vector>

#include "pare/bench.h"

namespace pare::test {

inline std::string joined(const std::vector<std::string>& sentences) {
  std::string text;
  for (const std::string& sentence : sentences) text += sentence + '\n';
  return text;
}

inline PassTimes times(double many, double step, double flops, double bytes) {
  PassTimes result;
  result.prefill = {many, many * 0.9, many * 1.1};
  result.decode = {step, step, step};
  for (int i = 1; i <= 100; ++i) result.steps.push_back(step * i / 50);
  result.prefill_work = {flops, 1e9};
  result.decode_work = {flops / 100, bytes};
  return result;
}

inline LayerUse layer(Kernel kernel) { return {"w", 10, 20, 100, kernel, 800}; }

/// Dense: 0.1 s for 200 tokens, 0.02 s for one. At 90 % four and five times as fast.
inline BenchResult made_up() {
  BenchResult result;
  result.model = "m";
  result.decodes = true;
  result.threads = 2;
  result.sequences = 2;
  result.length = 100;
  result.context = 64;
  result.runs = 5;
  result.machine = {20e9, 100e9};
  result.dense_load = {{0.5, 0.4, 0.6}, 1'000'000};
  BenchLevel dense, sparse;
  dense.weights = sparse.weights = 1000;
  dense.sizes = {1'000'000, 1'000'100, 900'000, 920'000};
  dense.dense = dense.sparse = times(0.1, 0.02, 8e9, 200e6);
  dense.prefill_ratio = dense.decode_ratio = {1, 0.98, 1.02};
  dense.prefill_layers = dense.decode_layers = {layer(Kernel::kDense)};
  sparse.label = "90";
  sparse.zeros = 900;
  sparse.sizes = {1'000'000, 200'000, 180'000, 250'000};
  sparse.dense = times(0.1, 0.02, 8e9, 200e6);
  sparse.sparse = times(0.025, 0.004, 8e8, 40e6);
  sparse.prefill_ratio = {4, 3.9, 4.1};
  sparse.decode_ratio = {5, 4.9, 5.1};
  sparse.prefill_layers = {layer(Kernel::kSliced), layer(Kernel::kSliced), layer(Kernel::kDense)};
  sparse.decode_layers = {layer(Kernel::kMasked)};
  result.levels = {dense, sparse};
  return result;
}

}  // namespace pare::test
