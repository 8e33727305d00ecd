#include "prune/patterns/magnitudes.h"

#include <array>
#include <cmath>
#include <cstring>

#include "checkpoint/tensor_piece.h"
#include "kernels/float_convert.h"
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

/// The values of a one-byte type, indexed by pattern.
const std::array<float, 256>& table_of(DType dtype) {
  static const std::array<float, 256> e4m3 = make_table(stats::float_format(DType::kF8E4M3));
  static const std::array<float, 256> e5m2 = make_table(stats::float_format(DType::kF8E5M2));
  return dtype == DType::kF8E4M3 ? e4m3 : e5m2;
}

/// Converts through aligned copies, because tensors may lie at any address.
template <class Element, class Target, class Convert>
void convert(const std::byte* data, std::size_t n, Target* target, const Convert& value_of) {
  std::array<Element, kBlock> block;
  for (std::size_t begin = 0; begin < n; begin += kBlock) {
    const std::size_t count = std::min(kBlock, n - begin);
    std::memcpy(block.data(), data + begin * sizeof(Element), count * sizeof(Element));
    for (std::size_t i = 0; i < count; ++i) target[begin + i] = value_of(block[i]);
  }
}

checkpoint::TensorPiece elements_of(const TensorView& tensor, std::uint64_t begin, std::size_t n) {
  const std::size_t size = stats::float_format(tensor.dtype).size();
  return {tensor.bytes, begin * size, n * size};
}

}  // namespace

void magnitudes(const TensorView& tensor, std::uint64_t begin, std::size_t n, float* target) {
  const checkpoint::TensorPiece piece = elements_of(tensor, begin, n);
  const std::byte* data = piece.data();
  if (dtype_bits(tensor.dtype) == 8) {
    const std::array<float, 256>& table = table_of(tensor.dtype);
    return convert<std::uint8_t>(data, n, target, [&](std::uint8_t pattern) { return table[pattern]; });
  }
  using kernels::FloatType;
  kernels::to_f32(tensor.dtype == DType::kF32   ? FloatType::kF32
                  : tensor.dtype == DType::kF16 ? FloatType::kF16
                                                : FloatType::kBF16,
                  data, n, target);
  for (std::size_t i = 0; i < n; ++i) target[i] = std::abs(target[i]);
}

void magnitudes(const TensorView& tensor, std::uint64_t begin, std::size_t n, double* target) {
  convert<double>(elements_of(tensor, begin, n).data(), n, target, [](double value) { return std::abs(value); });
}

}  // namespace pare::prune
