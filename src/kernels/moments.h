// Sums and sums of squares that are the same bits for every instruction set: element i always goes
// to lane i % 16 of sixteen double accumulators, regardless of the vector's actual width.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pare::kernels {

enum class FloatType : std::uint8_t { kF64, kF32, kF16, kBF16 };

/// Bytes ahead of the data that add_moments prefetches: the size of the blocks callers sweep.
constexpr std::size_t kMomentLookahead = 16384;

struct MomentLanes {
  static constexpr std::size_t kLanes = 16;
  alignas(64) double sum[kLanes] = {};
  alignas(64) double squares[kLanes] = {};

  double total_sum() const noexcept;  ///< lanes added in order
  double total_squares() const noexcept;
};

/// Adds n elements. Call with multiples of kLanes except for the last piece of a run. Elements
/// that are not finite are skipped if `skip_nonfinite`; without it there must be none.
void add_moments(FloatType type, const std::byte* data, std::size_t n, bool skip_nonfinite, MomentLanes& lanes);

/// The same for one-byte types; the caller passes the values of all 256 patterns.
void add_moments_by_table(const double values[256], const std::byte* data, std::size_t n, bool skip_nonfinite,
                          MomentLanes& lanes);

}  // namespace pare::kernels
