// How much work a thread takes at a time.
#pragma once

#include <cstdint>

namespace pare::base {

/// Elements of a tensor: a mebibyte of F32, long enough to hide the cost of handing it out, short enough to balance and
/// to stay in a core's cache while it is looked at several times. Moments are summed piece by piece, so another value
/// changes the last bits of sums; the number of threads never does.
inline constexpr std::uint64_t kPieceElements = 1ULL << 18;
/// The same in bytes, for copies.
inline constexpr std::uint64_t kPieceBytes = 1ULL << 20;
/// Bytes of a file that is encoded or decoded.
inline constexpr std::uint64_t kFilePieceBytes = 16ULL << 20;
/// Multiply-adds below which one thread is faster than several.
inline constexpr std::uint64_t kWorthSharing = 1ULL << 18;

}  // namespace pare::base
