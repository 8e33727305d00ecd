// Checks that the result of every reader must pass, even for hostile files.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <limits>

#include "checkpoint/source.h"
#include "fuzz/require.h"
#include "pare/checkpoint.h"

namespace pare::fuzz {

/// Every tensor's bytes are readable, and their number matches shape and dtype.
inline void check_tensors(const checkpoint::SourceFile& file) {
  std::uint64_t sum = 0;
  for (const TensorView& tensor : file.tensors) {
    std::uint64_t elements = 1;
    for (const std::uint64_t extent : tensor.shape)
      require(!__builtin_mul_overflow(elements, extent, &elements), "a shape's product fits 64 bits");
    require(elements == tensor.elements(), "elements() is the shape's product");
    const std::uint64_t bits = dtype_bits(tensor.dtype);
    require(elements <= std::numeric_limits<std::uint64_t>::max() / bits, "a tensor's bits fit 64 bits");
    require(elements * bits == tensor.bytes.size() * std::uint64_t{8}, "a tensor has the bytes of its shape");
    for (const std::byte byte : tensor.bytes.first(std::min<std::size_t>(tensor.bytes.size(), 4096)))
      sum += std::to_integer<std::uint64_t>(byte);
    if (!tensor.bytes.empty()) sum += std::to_integer<std::uint64_t>(*(tensor.bytes.end() - 1));
  }
  [[maybe_unused]] volatile std::uint64_t sink = sum;  // the reads must happen
}

}  // namespace pare::fuzz
