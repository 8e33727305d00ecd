// Linear layers: one product, the way that is fastest for the number of rows.
#pragma once

#include <cstddef>
#include <memory>

#include "linear/sparse_linear.h"
#include "pare/linear.h"

namespace pare::linear {

/// y = x W + b. Nothing is owned.
struct Linear {
  const float* weight = nullptr;  ///< nullptr: `sparse` has it
  const float* bias = nullptr;    ///< may be null
  std::size_t in = 0, out = 0;
  bool out_in = true;                          ///< weight is [out, in] as torch.nn.Linear's, else [in, out] as Conv1D's
  std::shared_ptr<const SparseLinear> sparse;  ///< if enough of the weights are 0
};

/// x: rows x in. Few rows go through our own kernels (memory-bound), many through oneDNN's sgemm.
Matrix apply(const Linear& linear, const Matrix& x, const Context& context);

}  // namespace pare::linear
