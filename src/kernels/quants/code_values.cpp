#include "kernels/quants/code_values.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

namespace pare::kernels {
namespace {

constexpr unsigned kFractionBits = 23;  // of F32
constexpr std::uint32_t kFraction = (1U << kFractionBits) - 1;
constexpr int kBias = 127, kMostBits = 56, kShort = 8;

/// Numbers with exponents of this bias, and subnormal ones; from magnitude `end` on, infinity and NaN or only NaN.
constexpr std::array<float, kMagnitudes> numbers_of(unsigned fraction_bits, int bias, std::size_t end,
                                                    bool has_infinity) {
  std::array<float, kMagnitudes> numbers{};
  const float least = std::bit_cast<float>(
      static_cast<std::uint32_t>(kBias + 1 - bias - static_cast<int>(fraction_bits)) << kFractionBits);
  for (std::uint32_t i = 0; i < kMagnitudes; ++i)
    if (i >= end)
      numbers[i] =
          has_infinity && i == end ? std::numeric_limits<float>::infinity() : std::numeric_limits<float>::quiet_NaN();
    else if (i >> fraction_bits == 0)
      numbers[i] = static_cast<float>(i) * least;
    else
      numbers[i] = std::bit_cast<float>((i << (kFractionBits - fraction_bits)) +
                                        (static_cast<std::uint32_t>(kBias - bias) << kFractionBits));
  return numbers;
}

alignas(64) constexpr auto kE4M3Numbers = numbers_of(3, 7, 0x7f, false);
alignas(64) constexpr auto kE5M2Numbers = numbers_of(2, 15, 0x7c, true);

std::uint32_t f16_pattern(float number) {
  if (std::isnan(number)) return 0x7e00;
  if (number >= 65520) return 0x7c00;
  const int exponent = std::max(number == 0 ? -14 : std::ilogb(number), -14);
  const auto units = static_cast<std::uint32_t>(std::nearbyint(std::ldexp(number, 10 - exponent)));
  return units + (static_cast<std::uint32_t>(exponent + 14) << 10);
}

float f16_value(std::uint32_t pattern) {
  const auto exponent = static_cast<int>(pattern >> 10), fraction = static_cast<int>(pattern & 0x3ff);
  if (exponent >= 31)
    return fraction == 0 ? std::numeric_limits<float>::infinity() : std::numeric_limits<float>::quiet_NaN();
  return std::ldexp(static_cast<float>(exponent == 0 ? fraction : fraction + 1024), std::max(exponent, 1) - 25);
}

/// The F32 pattern of the element nearest to a number that is not negative.
std::uint32_t rounded(FloatType type, float number) {
  const auto bits = std::bit_cast<std::uint32_t>(number);
  if (type == FloatType::kF32) return bits;
  if (type == FloatType::kF16) return std::bit_cast<std::uint32_t>(f16_value(f16_pattern(number)));
  return (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000;  // NaN, which is quiet, too
}

/// The exponent of the unit in the first place; that of the least normal number for a subnormal one.
int exponent_of(float value) {
  return std::max(static_cast<int>(std::bit_cast<std::uint32_t>(value) >> kFractionBits), 1) - kBias;
}

}  // namespace

const float* code_numbers(ByteType type) { return type == ByteType::kE4M3 ? kE4M3Numbers.data() : kE5M2Numbers.data(); }

std::uint32_t element_pattern(FloatType type, float number) {
  const auto bits = std::bit_cast<std::uint32_t>(number);
  if (type == FloatType::kF32) return bits;
  if (type == FloatType::kF16) return f16_pattern(number);
  return std::isnan(number) ? 0x7fc0 : (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
}

float element_value(FloatType type, std::uint32_t pattern) {
  if (type == FloatType::kF16) return f16_value(pattern);
  return std::bit_cast<float>(type == FloatType::kF32 ? pattern : pattern << 16);
}

bool make_table(const CodeScale& scale, const CodeCutoffs& cutoffs, CodeTable& table) {
  if (!rises(scale)) return false;
  const float* numbers = code_numbers(scale.codes);
  const std::uint32_t cutoff = cutoff_pattern(scale, cutoffs);
  std::uint32_t patterns = 0;
  table.count = table.above = 0;
  for (std::size_t i = 0; i < kMagnitudes; ++i) {
    const std::uint32_t pattern = rounded(scale.elements, numbers[i] * scale.scale);
    table.values[i] = std::bit_cast<float>(pattern);
    table.count += table.values[i] < cutoffs.limit ? 1 : 0;
    table.above += pattern <= cutoff ? 1 : 0;
    patterns |= pattern;
  }
  return finish_table(cutoff, patterns, table);
}

bool rises(const CodeScale& scale) { return scale.scale > 0 && !std::isinf(scale.scale); }

std::uint32_t cutoff_pattern(const CodeScale& scale, const CodeCutoffs& cutoffs) {
  return std::bit_cast<std::uint32_t>(element_value(scale.elements, static_cast<std::uint32_t>(cutoffs.first)));
}

bool finish_table(std::uint32_t cutoff, std::uint32_t patterns, CodeTable& table) {
  if (table.count < 2 || table.values[1] == 0) return false;
  table.inside = table.above;
  while (table.inside > 0 && std::bit_cast<std::uint32_t>(table.values[table.inside - 1]) == cutoff) --table.inside;
  // Subnormal values have the units of the least normal ones.
  const int even = std::countr_zero((patterns & kFraction) | (1U << kFractionBits));
  table.unit = exponent_of(table.values[1]) - static_cast<int>(kFractionBits) + even;
  table.bits = exponent_of(table.values[table.count - 1]) + 1 - table.unit;
  table.is_short = even > static_cast<int>(kFractionBits) - kShort;
  return table.bits <= kMostBits;  // F32 of E5M2 have no more
}

}  // namespace pare::kernels
