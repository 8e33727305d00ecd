#include "prune/magnitudes.h"

#include <array>
#include <bit>
#include <cmath>
#include <cstring>

#include "stats/float_format.h"

namespace pare::prune {
namespace {

constexpr std::size_t kBlock = 1024;

std::array<float, 256> make_table(const stats::FloatFormat& format) {
  std::array<float, 256> table{};
  for (std::uint64_t pattern = 0; pattern < 256; ++pattern)
    table[pattern] = static_cast<float>(stats::key_value(format, pattern & ~format.sign_bit()));
  return table;
}

/// The values of a one-byte type by pattern.
const std::array<float, 256>& table_of(DType dtype) {
  static const std::array<float, 256> e4m3 = make_table(stats::float_format(DType::kF8E4M3));
  static const std::array<float, 256> e5m2 = make_table(stats::float_format(DType::kF8E5M2));
  return dtype == DType::kF8E4M3 ? e4m3 : e5m2;
}

float from_f16(std::uint16_t pattern) {
  const std::uint32_t key = pattern & 0x7fffU;
  // The exponent's bias is 112 less than F32's; a product with a power of two also makes subnormals normal.
  if (key < 0x7c00U) return std::bit_cast<float>(key << 13) * 0x1p112F;
  return std::bit_cast<float>(key << 13 | 0x7f800000U);
}

float from_bf16(std::uint16_t pattern) { return std::bit_cast<float>(std::uint32_t{pattern & 0x7fffU} << 16); }

/// Converts through aligned copies: tensors may lie at any address.
template <class Element, class Target, class Convert>
void convert(const std::byte* data, std::size_t n, Target* target, const Convert& value_of) {
  std::array<Element, kBlock> block;
  for (std::size_t begin = 0; begin < n; begin += kBlock) {
    const std::size_t count = std::min(kBlock, n - begin);
    std::memcpy(block.data(), data + begin * sizeof(Element), count * sizeof(Element));
    for (std::size_t i = 0; i < count; ++i) target[begin + i] = value_of(block[i]);
  }
}

const std::byte* element_at(const TensorView& tensor, std::uint64_t index) {
  return tensor.bytes.data() + index * stats::float_format(tensor.dtype).size();
}

}  // namespace

void magnitudes(const TensorView& tensor, std::uint64_t begin, std::size_t n, float* target) {
  const std::byte* data = element_at(tensor, begin);
  switch (tensor.dtype) {
    case DType::kF32:
      return convert<float>(data, n, target, [](float value) { return std::abs(value); });
    case DType::kF16:
      return convert<std::uint16_t>(data, n, target, from_f16);
    case DType::kBF16:
      return convert<std::uint16_t>(data, n, target, from_bf16);
    default:
      return convert<std::uint8_t>(data, n, target,
                                   [&table = table_of(tensor.dtype)](std::uint8_t pattern) { return table[pattern]; });
  }
}

void magnitudes(const TensorView& tensor, std::uint64_t begin, std::size_t n, double* target) {
  convert<double>(element_at(tensor, begin), n, target, [](double value) { return std::abs(value); });
}

}  // namespace pare::prune
