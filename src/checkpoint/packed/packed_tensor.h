// A packed tensor inside a mapped file. Its parts are checked against its shape and decoded on demand.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "checkpoint/packed/packed_data.h"
#include "pare/checkpoint.h"

namespace pare::checkpoint {

/// A packed tensor as declared by its file, not checked yet.
struct StoredTensor {
  std::filesystem::path path;
  std::string name;
  DType dtype = DType::kF32;
  std::vector<std::uint64_t> shape;
  Encoding encoding = Encoding::kDense;
  std::uint64_t nonzeros = 0;
  /// Bitmask, gaps, or their compressed form. For the two dense encodings, `values` holds all elements.
  Bytes positions;
  Bytes values;
  Bytes extents;      ///< kBitmask: the shape as 64-bit integers
  Bytes row_offsets;  ///< kBitmask, unless the format has none
  bool has_row_offsets = true;
  std::string checksum;  ///< checksum of these parts, in this order; empty if the file has none

  /// Rows run along the last axis; a scalar or vector is one row.
  std::uint64_t rows() const noexcept;
  std::uint64_t inner_rows() const noexcept;  ///< rows in one step along the first axis
  std::uint64_t columns() const noexcept { return shape.empty() ? 1 : shape.back(); }
};

/// Throws Error for sizes that contradict each other, before anything is allocated for them.
std::shared_ptr<const PackedTensor> make_packed_tensor(StoredTensor stored);

/// A zstd frame that decodes to `bytes`.
std::vector<std::byte> compress_zstd(Bytes bytes);

}  // namespace pare::checkpoint
