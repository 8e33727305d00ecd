// Draws weights that transformers initializes when a checkpoint lacks them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/architecture.h"

namespace pare::model {

/// A parameter to be made: Linear and Embedding weights from N(0, std), biases 0, norm weights 1.
struct Fresh {
  std::string name;
  Role role = Role::kBias;
  std::vector<std::uint64_t> shape;
  DType dtype = DType::kF32;  ///< F64, F32, F16 or BF16
  double std = 0;
};

/// The drawn tensors and the owner of their bytes (a scratch file, which takes no anonymous memory). Every tensor has a
/// separate generator, seeded by `seed` and its name, so the bytes do not depend on the number of threads, the order,
/// or what else is drawn. Throws Error for other dtypes, a full disk.
struct Drawn {
  std::vector<TensorView> tensors;
  std::shared_ptr<const void> keep_alive;
};
Drawn draw_parameters(const std::vector<Fresh>& parameters, std::uint64_t seed, const Context& context = {});

}  // namespace pare::model
