// Values of weights that are stored in a byte each and share a scale.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pare::kernels {

enum class ByteType : std::uint8_t { kE4M3, kE5M2, kI8 };  ///< E4M3 without infinities, as OCP defines it

struct ByteScale {
  float zero = 0, scale = 1, factor = 1;
};

/// out[i] = (the value of bytes[i] - zero) * scale * factor, in this order, each step rounded to F32.
void scale_bytes(ByteType type, const std::byte* bytes, std::size_t n, const ByteScale& by, float* out);

/// The same, rounded to BF16 as to_bf16() does. `out` may be unaligned.
void scale_bytes_to_bf16(ByteType type, const std::byte* bytes, std::size_t n, const ByteScale& by, std::byte* out);

/// Rounds to BF16, to nearest even; a NaN stays one of its sign. `out` may be unaligned.
void to_bf16(const float* values, std::size_t n, std::byte* out);

}  // namespace pare::kernels
