// Single elements of tensors as doubles, for tensors that are computed from others.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include "pare/checkpoint.h"

namespace pare::checkpoint {

/// The bits of an F16 nearest to the value, ties to even.
inline std::uint16_t to_f16_bits(double value) {
  const std::uint16_t sign = std::signbit(value) ? 0x8000U : 0U;
  if (std::isnan(value)) return sign | 0x7e00U;
  if (std::isinf(value)) return sign | 0x7c00U;
  const double magnitude = std::fabs(value);
  const int exponent = magnitude == 0 ? -14 : std::clamp(std::ilogb(magnitude), -14, 16);
  const auto units =
      static_cast<std::uint32_t>(std::min(std::nearbyint(std::ldexp(magnitude, 10 - exponent)), 65536.0));
  const std::uint32_t bits = units + (static_cast<std::uint32_t>(exponent + 14) << 10);
  return static_cast<std::uint16_t>(std::min(bits, 0x7c00U) | sign);
}

/// The bits of a BF16 nearest to the value as F32, ties to even.
inline std::uint16_t to_bf16_bits(double value) {
  if (std::isnan(value)) return std::signbit(value) ? 0xffc0U : 0x7fc0U;
  const auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(value));
  return static_cast<std::uint16_t>((bits + 0x7fffU + (bits >> 16 & 1U)) >> 16);
}

inline double from_f16_bits(std::uint16_t bits) {
  const int exponent = bits >> 10 & 0x1f;
  const double fraction = bits & 0x3ff;
  const double magnitude = exponent == 0    ? std::ldexp(fraction, -24)
                           : exponent == 31 ? (fraction == 0 ? std::numeric_limits<double>::infinity()
                                                             : std::numeric_limits<double>::quiet_NaN())
                                            : std::ldexp(fraction + 1024, exponent - 25);
  return (bits & 0x8000U) != 0 ? -magnitude : magnitude;
}

/// Whether the functions below know the type: F64, F32, F16, BF16, U8, I8 and BOOL.
inline bool has_elements(DType dtype) {
  switch (dtype) {
    case DType::kF64:
    case DType::kF32:
    case DType::kF16:
    case DType::kBF16:
    case DType::kU8:
    case DType::kI8:
    case DType::kBool:
      return true;
    default:
      return false;
  }
}

template <class T>
T load_as(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

inline double load_element(DType dtype, const std::byte* at) {
  switch (dtype) {
    case DType::kF64:
      return load_as<double>(at);
    case DType::kF32:
      return load_as<float>(at);
    case DType::kF16:
      return from_f16_bits(load_as<std::uint16_t>(at));
    case DType::kBF16:
      return std::bit_cast<float>(static_cast<std::uint32_t>(load_as<std::uint16_t>(at)) << 16);
    case DType::kI8:
      return load_as<std::int8_t>(at);
    case DType::kBool:
      return *at == std::byte{0} ? 0 : 1;
    default:
      return load_as<std::uint8_t>(at);
  }
}

/// For the floating-point types.
inline void store_element(DType dtype, double value, std::byte* at) {
  if (dtype == DType::kF64) {
    std::memcpy(at, &value, sizeof value);
  } else if (dtype == DType::kF32) {
    const auto narrow = static_cast<float>(value);
    std::memcpy(at, &narrow, sizeof narrow);
  } else {
    const std::uint16_t bits = dtype == DType::kBF16 ? to_bf16_bits(value) : to_f16_bits(value);
    std::memcpy(at, &bits, sizeof bits);
  }
}

}  // namespace pare::checkpoint
