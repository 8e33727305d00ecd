// Encoding and decoding of packed tensors. Element sizes are 1, 2, 4 or 8 bytes. Functions that read data return false
// if the data are contradictory, without having written out of bounds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.h"

namespace pare::checkpoint {

using base::Bytes;

/// Bytes of room that a buffer for nonzeros must have after its end.
constexpr std::size_t kValueSlack = 256;

std::uint64_t count_nonzeros(Bytes dense, std::size_t size);
/// Number of elements with only the highest bit set.
std::uint64_t count_negative_zeros(Bytes values, std::size_t size);

// The bitmask: each row in whole bytes, the first element in the lowest bit, unused bits 0.

constexpr std::uint64_t mask_row_bytes(std::uint64_t columns) { return columns / 8 + (columns % 8 != 0 ? 1 : 0); }

/// Fills the mask and the nonzeros.
void encode_bitmask(Bytes dense, std::size_t size, std::uint64_t rows, std::uint64_t columns, std::uint8_t* mask,
                    std::byte* values);
/// Whether the mask has as many bits as there are values, and none beyond a row's end.
[[nodiscard]] bool bitmask_fits(Bytes mask, std::uint64_t rows, std::uint64_t columns, std::uint64_t nonzeros);
/// compressed-tensors' row offsets: how many nonzeros lie before each row, along the first axis alone. `inner` is the
/// number of rows in one step along that axis, 1 for a matrix.
std::vector<std::int64_t> row_offsets(Bytes mask, std::uint64_t rows, std::uint64_t columns, std::uint64_t inner);
/// The mask must have passed bitmask_fits().
void decode_bitmask(Bytes mask, Bytes values, std::size_t size, std::uint64_t rows, std::uint64_t columns,
                    std::byte* dense);
void bitmask_columns(Bytes mask, std::uint64_t rows, std::uint64_t columns, std::uint64_t* begin,
                     std::uint32_t* column);

// Gap codes: for each nonzero, the number of zeros since the previous one, in units of 8 or 4 bits (the low half of a
// byte comes first). The largest unit stands for that many zeros without a nonzero after them; a longer gap begins with
// such units. After the last nonzero, such units follow as long as a whole one fits. An unused half of the last byte is
// 0.

enum class GapCode : unsigned { k8 = 8, k4 = 4 };

/// Numbers of units that both codes take.
struct GapUnits {
  std::uint64_t of8 = 0, of4 = 0;
};
GapUnits count_gap_units(Bytes dense, std::size_t size);
constexpr std::uint64_t gap_bytes(GapCode code, const GapUnits& units) {
  return code == GapCode::k8 ? units.of8 : (units.of4 + 1) / 2;
}
/// Fewest and most bytes that `nonzeros` among `elements` can take.
constexpr std::uint64_t fewest_gap_bytes(GapCode code, std::uint64_t nonzeros) {
  return code == GapCode::k8 ? nonzeros : (nonzeros + 1) / 2;
}

/// Fills `gaps`, which must have the right size, and the nonzeros.
void encode_gaps(GapCode code, Bytes dense, std::size_t size, std::span<std::uint8_t> gaps, std::byte* values);
[[nodiscard]] bool decode_gaps(GapCode code, Bytes gaps, Bytes values, std::size_t size, std::span<std::byte> dense);
/// `begin` has rows + 1 elements, `column` one for each nonzero.
[[nodiscard]] bool gap_columns(GapCode code, Bytes gaps, std::uint64_t nonzeros, std::uint64_t rows,
                               std::uint64_t columns, std::uint64_t* begin, std::uint32_t* column);

// Byte planes: all first bytes of the elements, then all second ones and so on.

void split_planes(Bytes values, std::size_t size, std::byte* planes);
void join_planes(Bytes planes, std::size_t size, std::byte* values);

}  // namespace pare::checkpoint
