#include "checkpoint/quantized/quantized_fold.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "checkpoint/element.h"
#include "kernels/quants/scaled_bytes.h"

namespace pare::checkpoint {
namespace {

constexpr std::uint64_t kMostElements = std::uint64_t{1} << 60;

/// How an 8-bit floating-point type uses its bits.
struct SmallFloat {
  int mantissa_bits, bias;
  bool infinities;     ///< the largest exponent is that of infinity and NaN, as in IEEE types
  bool negative_zero;  ///< otherwise its pattern is the only NaN
};

float small_float(const SmallFloat& type, unsigned bits) {
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  const int mantissa = static_cast<int>(bits & ((1U << type.mantissa_bits) - 1));
  const int exponent = static_cast<int>((bits & 0x7fU) >> type.mantissa_bits), top = 0x7f >> type.mantissa_bits;
  if (!type.negative_zero && bits == 0x80) return nan;
  if (type.infinities && exponent == top && mantissa != 0) return nan;
  if (type.negative_zero && !type.infinities && (bits & 0x7fU) == 0x7f) return nan;
  float value = 0;
  if (type.infinities && exponent == top)
    value = std::numeric_limits<float>::infinity();
  else if (exponent == 0)
    value = std::ldexp(static_cast<float>(mantissa), 1 - type.bias - type.mantissa_bits);
  else
    value =
        std::ldexp(static_cast<float>(mantissa + (1 << type.mantissa_bits)), exponent - type.bias - type.mantissa_bits);
  return bits >= 0x80 ? -value : value;
}

float byte_value(DType dtype, unsigned bits) {
  switch (dtype) {
    case DType::kF8E4M3:
      return small_float({3, 7, false, true}, bits);
    case DType::kF8E5M2:
      return small_float({2, 15, true, true}, bits);
    case DType::kF8E4M3FNUZ:
      return small_float({3, 8, false, false}, bits);
    case DType::kF8E5M2FNUZ:
      return small_float({2, 16, false, false}, bits);
    case DType::kI8:
      return static_cast<std::int8_t>(bits);
    default:
      return bits == 255 ? std::numeric_limits<float>::quiet_NaN() : std::ldexp(1.0F, static_cast<int>(bits) - 127);
  }
}

using ByteValues = std::array<float, 256>;

template <DType dtype>
const float* values_of_type() {
  static const ByteValues values = [] {
    ByteValues all{};
    for (unsigned bits = 0; bits < all.size(); ++bits) all[bits] = byte_value(dtype, bits);
    return all;
  }();
  return values.data();
}

/// Rounds to nearest even, in a few integer operations.
std::uint16_t narrow_to_f16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const auto sign = static_cast<std::uint16_t>(bits >> 16 & 0x8000U);
  const std::uint32_t magnitude = bits & 0x7fffffffU;
  if (magnitude >= 0x47800000U) return sign | (magnitude > 0x7f800000U ? 0x7e00U : 0x7c00U);
  // Below 2^-14, the sum has the subnormals' unit as its last bit.
  if (magnitude < 0x38800000U) {
    const float sum = std::bit_cast<float>(magnitude) + 0.5F;
    return static_cast<std::uint16_t>(sign | (std::bit_cast<std::uint32_t>(sum) - 0x3f000000U));
  }
  return static_cast<std::uint16_t>(sign | ((magnitude - 0x38000000U + 0xfffU + (magnitude >> 13 & 1U)) >> 13));
}

}  // namespace

std::string shape_text(const std::vector<std::uint64_t>& shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

DType value_dtype(DType scale) {
  return scale == DType::kF32 || scale == DType::kF16 || scale == DType::kBF16 ? scale : DType::kBF16;
}

void store_values(DType dtype, const float* values, std::size_t n, std::byte* out) {
  if (dtype == DType::kF32)
    std::memcpy(out, values, n * sizeof(float));
  else if (dtype == DType::kBF16)
    kernels::to_bf16(values, n, out);
  else
    for (std::size_t i = 0; i < n; ++i) {
      const std::uint16_t bits = narrow_to_f16(values[i]);
      std::memcpy(out + i * sizeof bits, &bits, sizeof bits);
    }
}

const float* byte_values(DType dtype) {
  switch (dtype) {
    case DType::kF8E4M3:
      return values_of_type<DType::kF8E4M3>();
    case DType::kF8E5M2:
      return values_of_type<DType::kF8E5M2>();
    case DType::kF8E4M3FNUZ:
      return values_of_type<DType::kF8E4M3FNUZ>();
    case DType::kF8E5M2FNUZ:
      return values_of_type<DType::kF8E5M2FNUZ>();
    case DType::kI8:
      return values_of_type<DType::kI8>();
    default:
      return values_of_type<DType::kF8E8M0>();
  }
}

float load_scale(DType dtype, const std::byte* at) {
  if (dtype == DType::kF32) return load_as<float>(at);
  if (dtype == DType::kBF16) return std::bit_cast<float>(std::uint32_t{load_as<std::uint16_t>(at)} << 16);
  if (dtype_bits(dtype) == 8) return byte_values(dtype)[static_cast<unsigned>(*at)];
  return static_cast<float>(load_element(dtype, at));
}

const std::map<std::string, std::string>& QuantizedFold::metadata_of(std::size_t tensor) {
  const auto [entry, fresh] = metadata_.try_emplace(tensors_[tensor].file);
  if (fresh) entry->second = tensors_.file_of(tensor).metadata();
  return entry->second;
}

std::optional<std::size_t> QuantizedFold::find(const std::string& name) const {
  const auto found = tensors_.find(name);
  return found && tensors_.is_kept(*found) ? found : std::nullopt;
}

void QuantizedFold::fail(std::size_t tensor, ErrorCode code, const std::string& cause) const {
  throw Error(code, tensors_.file_of(tensor).path, tensors_[tensor].name, cause);
}

std::size_t QuantizedFold::require(const std::string& name, std::size_t of) const {
  const auto found = find(name);
  if (!found) fail(of, ErrorCode::kMismatch, fmt::format("is quantized, but '{}' is missing", name));
  return *found;
}

void QuantizedFold::require_dtype(std::size_t tensor, std::initializer_list<DType> allowed) const {
  const DType found = tensors_[tensor].dtype;
  if (std::find(allowed.begin(), allowed.end(), found) != allowed.end()) return;
  std::vector<std::string_view> names;
  for (const DType dtype : allowed) names.push_back(dtype_name(dtype));
  fail(tensor, ErrorCode::kMismatch,
       fmt::format("has dtype {} (expected {})", dtype_name(found), fmt::join(names, " or ")));
}

void QuantizedFold::require_shape(std::size_t tensor, const std::vector<std::uint64_t>& expected) const {
  if (tensors_[tensor].shape != expected)
    fail(tensor, ErrorCode::kMismatch,
         fmt::format("has shape {} (expected {})", shape_text(tensors_[tensor].shape), shape_text(expected)));
}

void QuantizedFold::replace(std::size_t place, const std::string& name, DType dtype, std::vector<std::uint64_t> shape,
                            std::shared_ptr<const EncodedTensor> encoded, const std::vector<std::size_t>& parts,
                            const std::string& kind) {
  std::uint64_t elements = 1;
  for (const std::uint64_t extent : shape) {
    if (extent != 0 && elements > kMostElements / extent)
      fail(place, ErrorCode::kLimit, fmt::format("has more than 2^60 values (shape {})", shape_text(shape)));
    elements *= extent;
  }
  const std::size_t size = dtype_bits(dtype) / 8;
  TensorView view{name, dtype, std::move(shape), TensorBytes(std::move(encoded), elements * size, size),
                  tensors_[place].file};
  if (!tensors_.replace(place, std::move(view), parts))
    fail(place, ErrorCode::kMismatch, fmt::format("is quantized, but there is a tensor '{}' as well", name));
  ++kinds_[kind];
}

void QuantizedFold::finish(std::vector<std::string>& notes) {
  if (!tensors_.changes()) return;
  tensors_.finish();
  for (const auto& [kind, count] : kinds_)
    notes.push_back(count == 1
                        ? fmt::format("1 weight is stored as {} and read as its dequantized values", kind)
                        : fmt::format("{} weights are stored as {} and read as their dequantized values", count, kind));
}

}  // namespace pare::checkpoint
