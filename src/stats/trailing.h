// Second digits of F32 patterns over whole tensors.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "pare/checkpoint.h"

namespace pare::stats {

/// Most slots in a pass.
constexpr std::size_t kTrailingSlots = 255;

/// `slot_of` maps the top 16 bits of a pattern (sign included) to 0 (none) or 1 + slot; the result
/// holds slots * 2^16 counts of the low 16 bits. Tensors must be F32. Of the
/// pieces that this process reads (see own_pieces()); counts of processes add up.
std::vector<std::uint64_t> count_trailing(std::span<const TensorView> tensors, std::span<const std::uint8_t> slot_of,
                                          std::size_t slots, const Context& context);

}  // namespace pare::stats
