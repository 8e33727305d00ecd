#include "kernels/leading_bits.h"

#include <cstring>

namespace pare::kernels {
namespace {

/// The top 16 bits of little-endian elements of `kSize` bytes are a 16-bit load at their end.
template <std::size_t kSize>
void count_top16(const std::byte* data, std::size_t n, std::uint32_t* table) {
  const auto top = [data](std::size_t i) {
    std::uint16_t bits;
    std::memcpy(&bits, data + i * kSize + (kSize - 2), sizeof bits);
    return bits;
  };
  std::uint32_t* other = table + kLeadingBins;
  std::size_t i = 0;
  for (; i + 4 <= n; i += 4) {
    ++table[top(i)];
    ++other[top(i + 1)];
    ++table[top(i + 2)];
    ++other[top(i + 3)];
  }
  for (; i < n; ++i) ++table[top(i)];
}

}  // namespace

void count_leading_bits(Width width, const std::byte* data, std::size_t n, std::uint32_t table[2 * kLeadingBins]) {
  switch (width) {
    case Width::k8:
      for (std::size_t i = 0; i < n; ++i) ++table[(i % 2) * kLeadingBins + std::to_integer<std::size_t>(data[i])];
      return;
    case Width::k16:
      return count_top16<2>(data, n, table);
    case Width::k32:
      return count_top16<4>(data, n, table);
    case Width::k64:
      return count_top16<8>(data, n, table);
  }
}

void count_trailing_bits(const std::byte* data, std::size_t n, const std::uint8_t slot_of[kLeadingBins],
                         std::uint64_t* tables) {
  for (std::size_t i = 0; i < n; ++i) {
    std::uint16_t top;
    std::memcpy(&top, data + i * 4 + 2, sizeof top);
    const std::uint8_t slot = slot_of[top];
    if (slot == 0) [[likely]]
      continue;
    std::uint16_t low;
    std::memcpy(&low, data + i * 4, sizeof low);
    ++tables[((static_cast<std::size_t>(slot) - 1) << 16) + low];
  }
}

}  // namespace pare::kernels
