// Rank keys of tensors, counted digit by digit.
#pragma once

#include <memory>
#include <span>

#include "stats/rank.h"
#include "stats/select_keys.h"

namespace pare::stats {

/// Rank keys of all elements: two digits of F32 keys (16-bit and 8-bit types are read once, F32 twice), four of F64
/// keys.
std::unique_ptr<KeyCounter> make_rank_counter(const RankSpace& space, std::span<const TensorView> tensors,
                                              const Context& context);

}  // namespace pare::stats
