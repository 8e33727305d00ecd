// Sparse tensors of PyTorch (torch.sparse_coo, sparse_csr, sparse_csc, sparse_bsr, sparse_bsc).
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "pare/checkpoint.h"

namespace pare::checkpoint {

struct SparseParts {
  struct Part {
    DType dtype = DType::kI64;
    std::vector<std::uint64_t> shape;
    std::vector<std::byte> bytes;  ///< in C order
  };
  std::string_view layout;  ///< as in PickledTensor
  DType dtype = DType::kF32;
  std::vector<std::uint64_t> shape;
  std::vector<Part> parts;  ///< as in PickledTensor
};

/// Writes the dense form to `to`, which is zero and has its size. Values with the same indices are added, as to_dense()
/// does; of types that are not analyzed, the last one counts. Throws Error naming path and tensor: kMalformed for
/// indices outside of the shape and parts that do not fit each other, kUnsupported for batches of matrices.
void expand_sparse(const SparseParts& sparse, std::span<std::byte> to, const std::filesystem::path& path,
                   const std::string& tensor);

}  // namespace pare::checkpoint
