#include "checkpoint/gguf/gguf_types.h"

#include <utility>

namespace pare::checkpoint {
namespace {

using kernels::BlockType;

constexpr GgufType kGgufTypes[] = {
    {0, "F32", DType::kF32},
    {1, "F16", DType::kF16},
    {2, "Q4_0", std::nullopt, BlockType::kQ4_0},
    {3, "Q4_1", std::nullopt, BlockType::kQ4_1},
    {6, "Q5_0", std::nullopt, BlockType::kQ5_0},
    {7, "Q5_1", std::nullopt, BlockType::kQ5_1},
    {8, "Q8_0", std::nullopt, BlockType::kQ8_0},
    {10, "Q2_K", std::nullopt, BlockType::kQ2_K},
    {11, "Q3_K", std::nullopt, BlockType::kQ3_K},
    {12, "Q4_K", std::nullopt, BlockType::kQ4_K},
    {13, "Q5_K", std::nullopt, BlockType::kQ5_K},
    {14, "Q6_K", std::nullopt, BlockType::kQ6_K},
    {20, "IQ4_NL", std::nullopt, BlockType::kIQ4_NL},
    {23, "IQ4_XS", std::nullopt, BlockType::kIQ4_XS},
    {24, "I8", DType::kI8},
    {25, "I16", DType::kI16},
    {26, "I32", DType::kI32},
    {27, "I64", DType::kI64},
    {28, "F64", DType::kF64},
    {30, "BF16", DType::kBF16},
    {34, "TQ1_0", std::nullopt, BlockType::kTQ1_0},
    {35, "TQ2_0", std::nullopt, BlockType::kTQ2_0},
    {39, "MXFP4", std::nullopt, BlockType::kMXFP4},
};

/// Types that ggml has or had, and that pare does not read.
constexpr std::pair<std::uint32_t, std::string_view> kOtherTypes[] = {
    {4, "Q4_2"},      {5, "Q4_3"},      {9, "Q8_1"},   {15, "Q8_K"},  {16, "IQ2_XXS"}, {17, "IQ2_XS"},
    {18, "IQ3_XXS"},  {19, "IQ1_S"},    {21, "IQ3_S"}, {22, "IQ2_S"}, {29, "IQ1_M"},   {31, "Q4_0_4_4"},
    {32, "Q4_0_4_8"}, {33, "Q4_0_8_8"}, {40, "NVFP4"}, {41, "Q1_0"},
};

}  // namespace

const GgufType* find_gguf_type(std::uint32_t id) noexcept {
  for (const GgufType& type : kGgufTypes)
    if (type.id == id) return &type;
  return nullptr;
}

std::string gguf_type_name(std::uint32_t id) {
  if (const GgufType* type = find_gguf_type(id)) return std::string(type->name);
  for (const auto& [other, name] : kOtherTypes)
    if (other == id) return std::string(name);
  return std::to_string(id);
}

}  // namespace pare::checkpoint
