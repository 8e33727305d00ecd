// Quantized weights of a tensor as its file stores them, for code that reads them without computing the elements.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>

#include "kernels/quants/block_quants.h"
#include "kernels/quants/code_fold.h"
#include "pare/checkpoint.h"

namespace pare::checkpoint {

/// Blocks that lie one after another.
struct BlockRun {
  kernels::BlockType type;
  const std::byte* data;
  std::size_t blocks;
  std::uint64_t elements;  ///< in all of them
};

/// An encoded tensor whose F32 elements are those of blocks, in an order of its own.
class StoredBlocks : public EncodedTensor {
 public:
  /// The blocks of the elements from `begin` on: `count` of them, or fewer where the next block is elsewhere. `begin`
  /// and `count` are as for decode().
  virtual std::optional<BlockRun> blocks_at(std::uint64_t begin, std::uint64_t count) const = 0;
};

/// The same of any tensor; nothing if there are no such blocks.
inline std::optional<BlockRun> blocks_at(const TensorBytes& bytes, std::uint64_t begin, std::uint64_t count) {
  const auto* stored = dynamic_cast<const StoredBlocks*>(bytes.encoded());
  return stored == nullptr ? std::nullopt : stored->blocks_at(begin, count);
}

/// Called for bytes that share a scale; false ends the calls.
using VisitCodes = std::function<bool(const kernels::CodeRows& codes, const kernels::CodeScale& scale)>;

/// An encoded tensor of FP8 weights whose elements are the values of their bytes for a scale.
class StoredCodes : public EncodedTensor {
 public:
  /// Calls `visit` for `count` elements from `begin` on, those of each scale together. Returns false if a call did, and
  /// without a call if the tensor is not of this kind or has a scale for so few elements that computing them is faster.
  virtual bool for_codes(std::uint64_t begin, std::uint64_t count, const VisitCodes& visit) const = 0;
};

/// The same of any tensor.
inline bool for_codes(const TensorBytes& bytes, std::uint64_t begin, std::uint64_t count, const VisitCodes& visit) {
  const auto* stored = dynamic_cast<const StoredCodes*>(bytes.encoded());
  return stored != nullptr && stored->for_codes(begin, count, visit);
}

}  // namespace pare::checkpoint
