// A common order of the magnitudes of tensors of any dtypes, and exact order statistics in it. They are found digit by
// digit: nothing is sorted, and memory does not grow with the tensors.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "pare/checkpoint.h"

namespace pare::stats {

/// Rank keys are the magnitude keys of a type wide enough for every dtype involved: F32, or F64 if any tensor is F64.
/// Both hold all narrower values exactly. NaN ranks above infinity.
class RankSpace {
 public:
  explicit RankSpace(std::span<const TensorView> tensors);

  bool is_wide() const noexcept { return type_ == DType::kF64; }
  std::uint64_t to_rank(DType dtype, std::uint64_t key) const;
  /// Smallest key of `dtype` that ranks at or above `rank`; one past its largest if none does.
  std::uint64_t first_key(DType dtype, std::uint64_t rank) const;
  /// Magnitude of a rank key (NaN for the key of a NaN).
  double value(std::uint64_t rank) const;

 private:
  DType type_;
};

/// The rank keys at the 0-based `positions` (each below the number of elements) of all elements of
/// `tensors` in rising order of magnitude, in the order of `positions`.
std::vector<std::uint64_t> select_ranks(const RankSpace& space, std::span<const TensorView> tensors,
                                        std::span<const std::uint64_t> positions, const Context& context);

}  // namespace pare::stats
