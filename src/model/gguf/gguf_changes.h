// Tensors of GGUF files with the values that transformers has, computed when they are read.
#pragma once

#include <cstdint>

#include "pare/checkpoint.h"

namespace pare::model {

/// Row r of each head is row 2 * (r % half) + r / half of the source, where half is half the rows of a head.
/// `forward` is the opposite direction: as llama.cpp orders the rows.
TensorView with_head_rows(TensorView tensor, std::uint64_t heads, bool forward = false);
/// F32 values, and `offset` added to each.
TensorView with_offset(TensorView tensor, float offset);
/// A matrix, transposed.
TensorView transposed(TensorView tensor);

}  // namespace pare::model
