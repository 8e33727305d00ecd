#include "kernels/quants/scan_values.h"

#include <algorithm>
#include <bit>

namespace pare::kernels {

bool scan_values(BlockType type, const std::uint8_t* blocks, std::size_t count, const FoldCutoffs& cutoffs,
                 BlockScan& scan, MomentLanes& lanes) {
  float values[kMostValues];
  const auto* bytes = reinterpret_cast<const std::byte*>(values);
  decode_blocks(type, reinterpret_cast<const std::byte*>(blocks), count, values);
  const BlockScan found = scan_block(FloatType::kF32, bytes, count * block_shape(type).elements, cutoffs.first, lanes);
  merge(found.range, scan.range);
  scan.zeros += found.zeros;
  scan.negative_zeros += found.negative_zeros;
  constexpr std::uint64_t kSign = 0x80000000;
  const std::uint64_t largest = std::max(found.range.max_unsigned & ~kSign, found.range.max_positive);
  return found.finite && std::bit_cast<float>(static_cast<std::uint32_t>(largest)) < cutoffs.limit;
}

void extend_range(BlockType type, const std::uint8_t* blocks, std::size_t count, KeyRange& range) {
  float values[kMostValues];
  decode_blocks(type, reinterpret_cast<const std::byte*>(blocks), count, values);
  KeyRange found =
      key_range(Width::k32, reinterpret_cast<const std::byte*>(values), count * block_shape(type).elements, 0);
  found.above = found.inside = found.negative = 0;
  merge(found, range);
}

}  // namespace pare::kernels
