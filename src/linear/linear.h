// Linear layers: each product uses the fastest method for its number of rows.
#pragma once

#include <cstddef>
#include <memory>

#include "linear/sparse_linear.h"
#include "pare/linear.h"

namespace pare::linear {

/// y = x W + b. Nothing is owned.
struct Linear {
  const float* weight = nullptr;  ///< if nullptr, `sparse` has the weights
  const float* bias = nullptr;    ///< may be null
  std::size_t in = 0, out = 0;
  bool out_in = true;                          ///< weight is [out, in] as torch.nn.Linear's, else [in, out] as Conv1D's
  std::shared_ptr<const SparseLinear> sparse;  ///< if enough of the weights are 0
};

/// x: rows x in. A few rows are multiplied by pare's own kernels (memory-bound), many by oneDNN's sgemm.
Matrix apply(const Linear& linear, const Matrix& x, const Context& context);

}  // namespace pare::linear
