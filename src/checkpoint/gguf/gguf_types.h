// The types of tensors in GGUF files.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "kernels/quants/block_quants.h"
#include "pare/checkpoint.h"

namespace pare::checkpoint {

/// A type that pare reads: either numbers of a dtype, or blocks of which F32 values are computed.
struct GgufType {
  std::uint32_t id;
  std::string_view name;  ///< as ggml spells it
  std::optional<DType> dtype;
  kernels::BlockType block = {};

  std::uint64_t block_elements() const noexcept { return dtype ? 1 : kernels::block_shape(block).elements; }
  std::uint64_t block_bytes() const noexcept {
    return dtype ? dtype_bits(*dtype) / 8 : kernels::block_shape(block).bytes;
  }
};

/// Returns nullptr for a type that pare does not read.
const GgufType* find_gguf_type(std::uint32_t id) noexcept;
/// The name of any type for messages, or its number: "IQ2_XS", "77".
std::string gguf_type_name(std::uint32_t id);

}  // namespace pare::checkpoint
