// Cases of the kernels' fuzz target for quantized weights.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>
#include <vector>

#include "fuzz/kernel_input.h"
#include "kernels/quants/block_fold.h"
#include "kernels/quants/block_quants.h"
#include "kernels/quants/code_fold.h"
#include "kernels/quants/scaled_bytes.h"

namespace pare::fuzz {

inline kernels::BlockType block_type(Input& input) {
  return static_cast<kernels::BlockType>(input.below(static_cast<std::size_t>(kernels::BlockType::kTQ2_0) + 1));
}

inline void blocks(Input& input) {
  const kernels::BlockType type = block_type(input);
  const kernels::BlockShape shape = kernels::block_shape(type);
  const std::size_t offset = input.below(64), count = input.below(6);
  Unaligned data(input, count * shape.bytes, offset);
  compare("decode_blocks", -1, [&] {
    std::vector<float> all(count * shape.elements), one(count * shape.elements);
    kernels::decode_blocks(type, data.data(), count, all.data());
    for (std::size_t i = 0; i < count; ++i)
      kernels::decode_blocks(type, data.data() + i * shape.bytes, 1, one.data() + i * shape.elements);
    require_same(all, one, "a block does not depend on its neighbors");
    return Result(all.begin(), all.end());
  });
}

/// Everything but the sums must be what a scan of the elements finds.
inline Result scanned(const kernels::BlockScan& scan, const kernels::BlockScan& expected,
                      const kernels::MomentLanes& lanes) {
  const kernels::KeyRange &a = scan.range, &b = expected.range;
  require(a.above == b.above && a.inside == b.inside && a.negative == b.negative && scan.zeros == expected.zeros &&
              scan.negative_zeros == expected.negative_zeros,
          "folding counts what scanning counts");
  require(a.max_unsigned == b.max_unsigned && a.max_positive == b.max_positive && a.any_positive == b.any_positive &&
              a.min_key == b.min_key,
          "folding finds the extremes that scanning finds");
  Result result{1};
  append(result, lanes.sum);
  append(result, lanes.squares);
  return result;
}

inline void folded_blocks(Input& input) {
  const kernels::BlockType type = block_type(input);
  const kernels::BlockShape shape = kernels::block_shape(type);
  const std::size_t offset = input.below(64), count = 1 + input.below(1024 / shape.elements);
  const auto cutoff = static_cast<std::uint32_t>(input.number(4) & 0x7f800000) | 0x4ccccd;  // finite or NaN
  if (cutoff > 0x7f800000) return;
  Unaligned data(input, count * shape.bytes, offset);
  compare("fold_blocks", -1, [&] {
    kernels::BlockScan scan;
    kernels::MomentLanes lanes, other;
    if (!kernels::fold_blocks(type, data.data(), count, {cutoff, std::numeric_limits<float>::infinity()}, scan, lanes))
      return Result{0};
    std::vector<float> values(count * shape.elements);
    kernels::decode_blocks(type, data.data(), count, values.data());
    return scanned(scan,
                   kernels::scan_block(kernels::FloatType::kF32, reinterpret_cast<const std::byte*>(values.data()),
                                       values.size(), cutoff, other),
                   lanes);
  });
}

inline void folded_codes(Input& input) {
  const auto type = input.below(2) == 0 ? kernels::ByteType::kE4M3 : kernels::ByteType::kE5M2;
  const float scale = std::bit_cast<float>(static_cast<std::uint32_t>(input.number(4)));
  const std::size_t offset = input.below(64), rows = 1 + input.below(4), columns = 1 + input.below(400);
  Unaligned data(input, rows * columns, offset);
  compare("fold_codes", -1, [&] {
    const auto least = static_cast<std::byte>(columns % 100);
    float value = 0;
    kernels::scale_bytes(type, &least, 1, {0, scale, 1}, &value);
    const std::uint64_t cutoff = std::bit_cast<std::uint32_t>(value) & 0x7fffffff;
    kernels::BlockScan scan;
    kernels::MomentLanes lanes, other;
    if (cutoff > 0x7f800000 ||
        !kernels::fold_codes({data.data(), rows, columns, columns}, {type, kernels::FloatType::kF32, scale},
                             {cutoff, std::numeric_limits<float>::infinity()}, scan, lanes))
      return Result{0};
    std::vector<float> all(rows * columns);
    kernels::scale_bytes(type, data.data(), all.size(), {0, scale, 1}, all.data());
    return scanned(scan,
                   kernels::scan_block(kernels::FloatType::kF32, reinterpret_cast<const std::byte*>(all.data()),
                                       all.size(), cutoff, other),
                   lanes);
  });
}

}  // namespace pare::fuzz
