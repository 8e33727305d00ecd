// Pruning of weights that another library holds in memory, such as the modules of PyTorch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "pare/checkpoint.h"

namespace pare {

/// Weights in memory in C order, without gaps. Nothing is owned. All that is set has room for `elements` of `dtype`.
struct LiveTensor {
  const std::byte* weights = nullptr;
  std::uint64_t elements = 0;
  DType dtype = DType::kF32;    ///< one of those that are analyzed, see is_analyzed()
  std::byte* pruned = nullptr;  ///< if set, receives the weights, with +0 for those that go; may be `weights` itself
  std::byte* mask = nullptr;    ///< if set, receives 1 for weights that remain and 0 for those that go
};

/// Prunes the `count` weights of smallest magnitude of all `tensors` together. Which go, also among equals and NaN, is
/// what plan_pruning() (pare/prune.h) says: among equals, the first, by tensor and then in C order. Throws Error:
/// kArgument if there are fewer than `count` weights, kUnsupported for other dtypes; Interrupted, before anything is
/// written. Reads the weights three times and writes each output once.
void prune_smallest(std::span<const LiveTensor> tensors, std::uint64_t count, const Context& context = {});

}  // namespace pare
