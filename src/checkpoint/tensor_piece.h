// A part of a tensor for code that reads a tensor once from end to end, without keeping a computed copy of it.
#pragma once

#include <cstddef>
#include <span>

#include "base/aligned_buffer.h"
#include "pare/checkpoint.h"

namespace pare::checkpoint {

/// Elements that a reader of small blocks should take in one TensorPiece: `block`, or a large piece of blocks if the
/// tensor is encoded and computes more than a block at a time, which would be computed again for each of them.
std::size_t elements_at_once(const TensorBytes& bytes, std::size_t block) noexcept;

/// Bytes of a tensor: where they lie in memory or, if the tensor is encoded, computed into a buffer, which this thread
/// uses again for its next pieces. Used on the thread that made it. The constructors throw Error if the bytes cannot be
/// decoded.
class TensorPiece {
 public:
  /// The `size` bytes from byte `begin` on.
  TensorPiece(const TensorBytes& bytes, std::size_t begin, std::size_t size);
  /// The whole tensor.
  explicit TensorPiece(const TensorBytes& bytes) : TensorPiece(bytes, 0, bytes.size()) {}
  ~TensorPiece();
  TensorPiece(const TensorPiece&) = delete;
  TensorPiece& operator=(const TensorPiece&) = delete;

  const std::byte* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }
  operator std::span<const std::byte>() const noexcept { return {data_, size_}; }  // NOLINT: as a span is

 private:
  base::AlignedBuffer<std::byte> buffer_;
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace pare::checkpoint
