#include <array>
#include <utility>

#include "pare/checkpoint.h"

namespace pare {
namespace {

struct DTypeRow {
  DType dtype;
  std::string_view name;
  unsigned bits;
};

/// In the order of DType, by the names of the safetensors format.
constexpr std::array<DTypeRow, 22> kTable{{
    {DType::kF64, "F64", 64},
    {DType::kF32, "F32", 32},
    {DType::kF16, "F16", 16},
    {DType::kBF16, "BF16", 16},
    {DType::kF8E4M3, "F8_E4M3", 8},
    {DType::kF8E5M2, "F8_E5M2", 8},
    {DType::kF8E8M0, "F8_E8M0", 8},
    {DType::kF8E4M3FNUZ, "F8_E4M3FNUZ", 8},
    {DType::kF8E5M2FNUZ, "F8_E5M2FNUZ", 8},
    {DType::kF6E2M3, "F6_E2M3", 6},
    {DType::kF6E3M2, "F6_E3M2", 6},
    {DType::kF4, "F4", 4},
    {DType::kC64, "C64", 64},
    {DType::kI64, "I64", 64},
    {DType::kI32, "I32", 32},
    {DType::kI16, "I16", 16},
    {DType::kI8, "I8", 8},
    {DType::kU64, "U64", 64},
    {DType::kU32, "U32", 32},
    {DType::kU16, "U16", 16},
    {DType::kU8, "U8", 8},
    {DType::kBool, "BOOL", 8},
}};

constexpr bool in_order() {
  for (std::size_t i = 0; i < kTable.size(); ++i)
    if (static_cast<std::size_t>(kTable[i].dtype) != i) return false;
  return true;
}
static_assert(in_order(), "the table is indexed by DType");

}  // namespace

std::string_view dtype_name(DType dtype) noexcept { return kTable[static_cast<std::size_t>(dtype)].name; }

std::optional<DType> parse_dtype(std::string_view name) noexcept {
  for (const DTypeRow& row : kTable)
    if (row.name == name) return row.dtype;
  return std::nullopt;
}

unsigned dtype_bits(DType dtype) noexcept { return kTable[static_cast<std::size_t>(dtype)].bits; }

bool is_analyzed(DType dtype) noexcept { return dtype <= DType::kF8E5M2; }

std::uint64_t TensorView::elements() const noexcept {
  std::uint64_t product = 1;
  for (const std::uint64_t extent : shape) product *= extent;
  return product;
}

}  // namespace pare
