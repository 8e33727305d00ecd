// How much work a thread takes at a time.
#pragma once

#include <cstdint>

namespace pare::base {

/// Elements of a tensor in one piece: 1 MiB of F32. That is enough to hide the cost of handing a piece out, and little
/// enough to balance the load and to stay in a core's cache while it is read several times. Moments are summed piece by
/// piece, so another value would change the last bits of sums; the number of threads never does.
inline constexpr std::uint64_t kPieceElements = 1ULL << 18;
/// The same in bytes, for copies.
inline constexpr std::uint64_t kPieceBytes = 1ULL << 20;
/// Bytes of a file that is encoded or decoded.
inline constexpr std::uint64_t kFilePieceBytes = 16ULL << 20;
/// Multiply-adds below which one thread is faster than several.
inline constexpr std::uint64_t kWorthSharing = 1ULL << 18;

}  // namespace pare::base
