// Blocks of quantized weights as ggml defines them: a few small integers that share scales. Layouts and values are
// those of the PyPI package `gguf` (gguf.dequantize), bit for bit.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pare::kernels {

enum class BlockType : std::uint8_t {
  kQ4_0,
  kQ4_1,
  kQ5_0,
  kQ5_1,
  kQ8_0,
  kIQ4_NL,
  kMXFP4,
  kQ2_K,
  kQ3_K,
  kQ4_K,
  kQ5_K,
  kQ6_K,
  kIQ4_XS,
  kTQ1_0,
  kTQ2_0,
};

struct BlockShape {
  std::size_t elements;
  std::size_t bytes;
};
BlockShape block_shape(BlockType type) noexcept;

/// Computes the elements of `count` blocks that lie one after another. `out` has room for all of them.
void decode_blocks(BlockType type, const std::byte* blocks, std::size_t count, float* out);

}  // namespace pare::kernels
