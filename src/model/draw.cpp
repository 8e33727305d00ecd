#include "model/draw.h"

#include <xxhash.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <random>

#include "base/checked.h"
#include "base/file_map.h"
#include "base/parallel.h"
#include "pare/error.h"

namespace pare::model {
namespace {

constexpr std::uint64_t kAlignment = 64;

/// Rounds to nearest, ties to even, into the bits of a 16-bit type.
std::uint16_t to_half_bits(double value, DType dtype) {
  if (dtype == DType::kBF16) {
    const std::uint32_t bits = std::bit_cast<std::uint32_t>(static_cast<float>(value));
    return static_cast<std::uint16_t>((bits + 0x7fffU + (bits >> 16 & 1U)) >> 16);
  }
  const double magnitude = std::abs(value);
  const int exponent = magnitude == 0 ? -14 : std::max(std::ilogb(magnitude), -14);
  const auto units = static_cast<std::uint32_t>(std::nearbyint(std::ldexp(magnitude, 10 - exponent)));
  const std::uint32_t bits = units + (static_cast<std::uint32_t>(exponent + 14) << 10);
  return static_cast<std::uint16_t>(std::min(bits, 0x7c00U) | (std::signbit(value) ? 0x8000U : 0U));
}

void store(std::byte* at, DType dtype, double value) {
  if (dtype == DType::kF64) {
    std::memcpy(at, &value, sizeof value);
  } else if (dtype == DType::kF32) {
    const auto narrow = static_cast<float>(value);
    std::memcpy(at, &narrow, sizeof narrow);
  } else {
    const std::uint16_t bits = to_half_bits(value, dtype);
    std::memcpy(at, &bits, sizeof bits);
  }
}

void fill(const Fresh& parameter, std::byte* data, std::uint64_t elements, std::uint64_t seed, const Context& context) {
  const std::size_t size = dtype_bits(parameter.dtype) / 8;
  std::mt19937_64 generator(XXH3_64bits_withSeed(parameter.name.data(), parameter.name.size(), seed));
  std::normal_distribution<double> normal(0, parameter.std);
  for (std::uint64_t i = 0; i < elements; ++i) {
    if (i % (1U << 20) == 0) context.check();
    const double value = parameter.role == Role::kNorm ? 1.0 : parameter.role == Role::kBias ? 0.0 : normal(generator);
    store(data + i * size, parameter.dtype, value);
  }
}

}  // namespace

Drawn draw_parameters(const std::vector<Fresh>& parameters, std::uint64_t seed, const Context& context) {
  Drawn drawn;
  std::vector<std::uint64_t> offsets;
  std::uint64_t total = 0;
  for (const Fresh& parameter : parameters) {
    const std::uint64_t size = dtype_bits(parameter.dtype) / 8;
    if (size < 2 || !is_analyzed(parameter.dtype))
      throw Error(ErrorCode::kUnsupported, {}, parameter.name,
                  "cannot be drawn as " + std::string(dtype_name(parameter.dtype)));
    const auto elements = base::checked_product(parameter.shape);
    const auto bytes = elements ? base::checked_multiply(*elements, size) : std::nullopt;
    const auto padded = bytes ? base::checked_add(*bytes, kAlignment) : std::nullopt;
    const auto end = padded ? base::checked_add(total, *padded) : std::nullopt;
    if (!end) throw Error(ErrorCode::kLimit, {}, parameter.name, "is too large to be drawn");
    offsets.push_back(total);
    total = *end / kAlignment * kAlignment;
    drawn.tensors.push_back({parameter.name, parameter.dtype, parameter.shape, {}, 0});
  }
  const auto scratch = std::make_shared<base::ScratchFile>(total);
  base::parallel_for(parameters.size(), context, [&](std::size_t i, unsigned) {
    TensorView& tensor = drawn.tensors[i];
    std::byte* data = scratch->bytes().data() + offsets[i];
    fill(parameters[i], data, tensor.elements(), seed, context);
    tensor.bytes = {data, tensor.elements() * (dtype_bits(tensor.dtype) / 8)};
  });
  drawn.keep_alive = scratch;
  return drawn;
}

}  // namespace pare::model
