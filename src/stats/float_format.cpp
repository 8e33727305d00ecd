#include "stats/float_format.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>

#include "checkpoint/tensor_piece.h"

namespace pare::stats {
namespace {

using kernels::Width;

constexpr FloatFormat kF64{Width::k64, 52, 1023, 0x7fefffffffffffffULL, 0x7ff0000000000000ULL};
constexpr FloatFormat kF32{Width::k32, 23, 127, 0x7f7fffffU, 0x7f800000U};
constexpr FloatFormat kF16{Width::k16, 10, 15, 0x7bffU, 0x7c00U};
constexpr FloatFormat kBF16{Width::k16, 7, 127, 0x7f7fU, 0x7f80U};
constexpr FloatFormat kF8E4M3{Width::k8, 3, 7, 0x7eU, 0};  // torch.float8_e4m3fn: no infinity, one NaN
constexpr FloatFormat kF8E5M2{Width::k8, 2, 15, 0x7bU, 0x7cU};

}  // namespace

const FloatFormat& float_format(DType dtype) {
  switch (dtype) {
    case DType::kF64:
      return kF64;
    case DType::kF32:
      return kF32;
    case DType::kF16:
      return kF16;
    case DType::kBF16:
      return kBF16;
    case DType::kF8E4M3:
      return kF8E4M3;
    case DType::kF8E5M2:
      return kF8E5M2;
    default:
      throw std::invalid_argument("dtype is not analyzed");
  }
}

double key_value(const FloatFormat& format, std::uint64_t key) {
  if (key > format.finite_max)
    return format.is_nan(key) ? std::numeric_limits<double>::quiet_NaN() : std::numeric_limits<double>::infinity();
  const std::uint64_t exponent = key >> format.mantissa_bits;
  const std::uint64_t mantissa = key & ((1ULL << format.mantissa_bits) - 1);
  const int shift =
      static_cast<int>(exponent == 0 ? 1 : exponent) - format.bias - static_cast<int>(format.mantissa_bits);
  const std::uint64_t implicit_one = exponent == 0 ? 0 : 1ULL << format.mantissa_bits;
  return std::ldexp(static_cast<double>(mantissa | implicit_one), shift);
}

std::uint64_t rounded_key(const FloatFormat& format, double magnitude) {
  const std::uint64_t overflow = format.infinity != 0 ? format.infinity : format.finite_max + 1;
  if (std::isinf(magnitude)) return overflow;
  if (magnitude == 0) return 0;
  const int lowest_exponent = 1 - format.bias;
  const int exponent = std::max(std::ilogb(magnitude), lowest_exponent);
  const auto mantissa_bits = static_cast<int>(format.mantissa_bits);
  // In units of the last place. The unit is a power of two, so the division is exact.
  const auto units = static_cast<std::uint64_t>(std::nearbyint(std::ldexp(magnitude, mantissa_bits - exponent)));
  // Subnormals have no implicit one; a carry out of the mantissa increments the exponent.
  const std::uint64_t key = units + (static_cast<std::uint64_t>(exponent - lowest_exponent) << format.mantissa_bits);
  return key > format.finite_max ? overflow : key;
}

std::uint64_t ceiling_key(const FloatFormat& format, double magnitude) {
  const std::uint64_t key = rounded_key(format, magnitude);
  if (key > format.finite_max) {  // rounding up may have overshot the largest finite value
    if (magnitude <= key_value(format, format.finite_max)) return format.finite_max;
    return format.infinity != 0 ? format.infinity : format.finite_max + 1;
  }
  return key_value(format, key) < magnitude ? key + 1 : key;
}

std::uint64_t load_pattern(const FloatFormat& format, const std::byte* data, std::uint64_t index) {
  std::uint64_t pattern = 0;  // little-endian: the low bytes come first
  std::memcpy(&pattern, data + index * format.size(), format.size());
  return pattern;
}

}  // namespace pare::stats

namespace pare {

double element_value(const TensorView& tensor, std::uint64_t index) {
  const stats::FloatFormat& format = stats::float_format(tensor.dtype);
  const checkpoint::TensorPiece data(tensor.bytes, index * format.size(), format.size());
  const std::uint64_t pattern = stats::load_pattern(format, data.data(), 0);
  const double magnitude = stats::key_value(format, pattern & ~format.sign_bit());
  return (pattern & format.sign_bit()) != 0 ? -magnitude : magnitude;
}

}  // namespace pare
