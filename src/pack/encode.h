// Chooses the smallest encoding of a tensor and encodes it.
#pragma once

#include <string>
#include <unordered_set>
#include <vector>

#include "base/aligned_buffer.h"
#include "checkpoint/packed/packed_data.h"
#include "checkpoint/tensor_piece.h"
#include "pare/pack.h"

namespace pare::pack {

/// A tensor of the packed file.
struct Part {
  std::string name;
  DType dtype;
  std::vector<std::uint64_t> shape;
  std::uint64_t size = 0;  ///< bytes
};

struct TensorPlan {
  const TensorView* tensor = nullptr;
  Encoding encoding = Encoding::kDense;
  std::uint64_t nonzeros = 0;
  std::vector<Part> parts;                         ///< in the order of the checksum
  std::vector<std::vector<std::byte>> compressed;  ///< the parts' data, for the zstd encodings alone

  std::uint64_t stored_bytes() const noexcept;
};

/// Plans the encoding that takes fewest bytes, header entries included, among those that `options` allow.
TensorPlan plan_tensor(const TensorView& tensor, const PackOptions& options);
/// Plans this encoding, regardless of its size. The tensor must be of an analyzed dtype and not empty.
TensorPlan plan_as(const TensorView& tensor, Encoding encoding);
/// Plans Encoding::kDense: the tensor unchanged.
TensorPlan plan_dense(const TensorView& tensor, std::uint64_t nonzeros);

/// Data of each of the plan's parts; for Encoding::kDense the tensor's own data.
class PartData {
 public:
  explicit PartData(const TensorPlan& plan);
  const std::vector<checkpoint::Bytes>& parts() const noexcept { return parts_; }

 private:
  void encode_bitmask(const TensorPlan& plan);
  void encode_gaps(const TensorPlan& plan);
  std::byte* add(std::uint64_t size, std::size_t slack = 0);

  const checkpoint::TensorPiece tensor_;  ///< empty if the plan holds the data
  std::vector<base::AlignedBuffer<std::byte>> owned_;
  std::vector<checkpoint::Bytes> parts_;
};

}  // namespace pare::pack
