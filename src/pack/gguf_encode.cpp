#include "pack/gguf_encode.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

namespace pare::pack {
namespace {

constexpr std::size_t kBlock = 32;  // elements of a Q8_0 block

std::uint16_t to_bf16(float value) {
  std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & 0x7fffffffU) > 0x7f800000U) bits = (bits & 0xffff0000U) | 0x00400000U;  // a quiet NaN
  return static_cast<std::uint16_t>((std::uint64_t{bits} + 0x7fff + (bits >> 16 & 1)) >> 16);
}

/// To nearest, ties to even.
std::uint16_t to_f16(float value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value), sign = bits >> 16 & 0x8000U;
  const std::uint32_t magnitude = bits & 0x7fffffffU;
  if (magnitude > 0x7f800000U) return static_cast<std::uint16_t>(sign | 0x7e00U);
  if (magnitude >= 0x477ff000U) return static_cast<std::uint16_t>(sign | 0x7c00U);  // 65520 and more
  if (magnitude < 0x38800000U) {
    // Subnormal: adding 0.5 shifts the value's bits into place, and rounds them.
    const float shifted = std::bit_cast<float>(magnitude) + 0.5F;
    return static_cast<std::uint16_t>(sign | (std::bit_cast<std::uint32_t>(shifted) - 0x3f000000U));
  }
  const std::uint32_t rounded = magnitude + 0x0fffU + (magnitude >> 13 & 1) - 0x38000000U;
  return static_cast<std::uint16_t>(sign | rounded >> 13);
}

template <class To>
void encode_each(const float* values, std::size_t n, std::byte* out, const To& to) {
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint16_t half = to(values[i]);
    std::memcpy(out + i * sizeof half, &half, sizeof half);
  }
}

/// The nearest integer, ties away from zero, by the reference's own operations.
float round_away(float value) {
  const float magnitude = std::abs(value), below = std::floor(magnitude);
  const float rounded = below + std::floor(2 * (magnitude - below));
  return std::copysign(rounded, value);
}

void encode_q8_0(const float* values, std::size_t n, std::byte* out) {
  for (std::size_t begin = 0; begin < n; begin += kBlock) {
    float largest = 0;
    for (std::size_t i = begin; i < begin + kBlock; ++i) largest = std::max(largest, std::abs(values[i]));
    const float scale = largest / 127, inverse = scale == 0 ? 0 : 1 / scale;
    const std::uint16_t half = to_f16(scale);
    std::memcpy(out, &half, sizeof half);
    out += sizeof half;
    for (std::size_t i = begin; i < begin + kBlock; ++i) {
      const float quotient = round_away(values[i] * inverse);
      *out++ = static_cast<std::byte>(std::isfinite(quotient) ? static_cast<int>(quotient) : 0);
    }
  }
}

}  // namespace

void encode_gguf(GgufWeights weights, const float* values, std::size_t n, std::byte* out) {
  switch (weights) {
    case GgufWeights::kF32:
      std::memcpy(out, values, n * sizeof(float));
      return;
    case GgufWeights::kF16:
      return encode_each(values, n, out, to_f16);
    case GgufWeights::kBF16:
      return encode_each(values, n, out, to_bf16);
    case GgufWeights::kQ8_0:
      return encode_q8_0(values, n, out);
  }
}

}  // namespace pare::pack
