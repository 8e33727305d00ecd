// Tensors in memory for tests, and simple reference implementations.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "pare/checkpoint.h"

namespace pare::test {

/// Owns bytes and provides a TensorView of them.
class OwnedTensor {
 public:
  OwnedTensor(DType dtype, std::vector<std::uint64_t> shape, std::vector<std::byte> bytes, std::string name = "w")
      : bytes_(std::make_shared<std::vector<std::byte>>(std::move(bytes))) {
    view_.name = std::move(name);
    view_.dtype = dtype;
    view_.shape = std::move(shape);
    view_.bytes = *bytes_;
  }
  const TensorView& view() const { return view_; }
  std::vector<std::byte>& bytes() { return *bytes_; }

 private:
  std::shared_ptr<std::vector<std::byte>> bytes_;
  TensorView view_;
};

template <class Pattern>
OwnedTensor from_patterns(DType dtype, const std::vector<Pattern>& patterns, std::string name = "w") {
  std::vector<std::byte> bytes(patterns.size() * sizeof(Pattern));
  if (!bytes.empty()) std::memcpy(bytes.data(), patterns.data(), bytes.size());
  return OwnedTensor(dtype, {patterns.size()}, std::move(bytes), std::move(name));
}

inline OwnedTensor from_floats(const std::vector<float>& values, std::string name = "w") {
  return from_patterns(DType::kF32, values, std::move(name));
}
inline OwnedTensor from_doubles(const std::vector<double>& values, std::string name = "w") {
  return from_patterns(DType::kF64, values, std::move(name));
}

/// Values by the definition of the formats (IEEE 754; OCP 8-bit), implemented independently of the library.
inline double decode(DType dtype, std::uint64_t pattern) {
  const auto small = [pattern](int exponent_bits, int mantissa_bits, bool infinities) {
    const int bias = (1 << (exponent_bits - 1)) - 1;
    const int sign = static_cast<int>(pattern >> (exponent_bits + mantissa_bits)) & 1;
    const int exponent = static_cast<int>(pattern >> mantissa_bits) & ((1 << exponent_bits) - 1);
    const int mantissa = static_cast<int>(pattern) & ((1 << mantissa_bits) - 1);
    const int top = (1 << exponent_bits) - 1;
    double value = 0;
    if (infinities && exponent == top) {
      value = mantissa == 0 ? std::numeric_limits<double>::infinity() : std::numeric_limits<double>::quiet_NaN();
    } else if (!infinities && exponent == top && mantissa == (1 << mantissa_bits) - 1) {
      value = std::numeric_limits<double>::quiet_NaN();
    } else if (exponent == 0) {
      value = mantissa * std::pow(2.0, 1 - bias - mantissa_bits);
    } else {
      value = (1 + mantissa / std::pow(2.0, mantissa_bits)) * std::pow(2.0, exponent - bias);
    }
    return sign != 0 ? -value : value;
  };
  switch (dtype) {
    case DType::kF64:
      return std::bit_cast<double>(pattern);
    case DType::kF32:
      return static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(pattern)));
    case DType::kF16:
      return small(5, 10, true);
    case DType::kBF16:
      return static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(pattern << 16)));
    case DType::kF8E4M3:
      return small(4, 3, false);
    case DType::kF8E5M2:
      return small(5, 2, true);
    default:
      return 0;
  }
}

inline std::vector<double> values_of(const TensorView& tensor) {
  const std::size_t size = dtype_bits(tensor.dtype) / 8;
  std::vector<double> values;
  for (std::size_t i = 0; i < tensor.elements(); ++i) {
    std::uint64_t pattern = 0;
    std::memcpy(&pattern, tensor.bytes.data() + i * size, size);
    values.push_back(decode(tensor.dtype, pattern));
  }
  return values;
}

inline const std::vector<DType>& analyzed_dtypes() {
  static const std::vector<DType> dtypes{DType::kF64,  DType::kF32,    DType::kF16,
                                         DType::kBF16, DType::kF8E4M3, DType::kF8E5M2};
  return dtypes;
}

/// n normally distributed elements of the usual size of weights. `wild` mixes in random patterns, which include
/// subnormals, infinities and NaNs, and zeros of both signs.
inline OwnedTensor random_tensor(DType dtype, std::size_t n, std::uint64_t seed, bool wild, std::string name = "w") {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> bell(0, 0.08);
  const std::size_t size = dtype_bits(dtype) / 8;
  std::vector<std::byte> bytes(n * size);
  for (std::size_t i = 0; i < n; ++i) {
    std::uint64_t pattern = 0;
    const auto value = static_cast<float>(bell(random));
    switch (dtype) {
      case DType::kF64:
        pattern = std::bit_cast<std::uint64_t>(static_cast<double>(value) * 1.1);
        break;
      case DType::kF32:
        pattern = std::bit_cast<std::uint32_t>(value);
        break;
      case DType::kBF16:
        pattern = std::bit_cast<std::uint32_t>(value) >> 16;
        break;
      case DType::kF16:
        pattern = 0x2000U + random() % 0x1c00U + (random() % 2 << 15);
        break;
      default:
        pattern = random() % 0x58U + (random() % 2 << 7);
        break;
    }
    if (wild && random() % 8 == 0) pattern = random() >> (64 - size * 8);
    if (wild && random() % 16 == 0) pattern = (random() % 2) << (size * 8 - 1);
    std::memcpy(bytes.data() + i * size, &pattern, size);
  }
  return OwnedTensor(dtype, {n}, std::move(bytes), std::move(name));
}

}  // namespace pare::test
