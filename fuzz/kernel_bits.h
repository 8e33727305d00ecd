// Cases of the kernels' fuzz target that count and find elements by their leading bits.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "fuzz/kernel_input.h"
#include "kernels/leading_bits.h"
#include "kernels/pick_leading.h"

namespace pare::fuzz {

inline void leading(Input& input) {
  const kernels::Width width = static_cast<kernels::Width>(1U << input.below(4));
  const std::size_t size = static_cast<std::size_t>(width), offset = input.below(64), n = input.below(300);
  Unaligned data(input, n * size, offset);
  static std::vector<std::uint32_t> table(2 * kernels::kLeadingBins);
  compare("leading_bits", -1, [&] {
    std::fill(table.begin(), table.end(), 0);
    kernels::count_leading_bits(width, data.data(), n, table.data());
    Result result;
    for (std::size_t bin = 0; bin < kernels::kLeadingBins; ++bin)
      if (const std::uint32_t count = table[bin] + table[kernels::kLeadingBins + bin]; count != 0)
        result.insert(result.end(), {static_cast<double>(bin), static_cast<double>(count)});
    return result;
  });
}

inline void picked(Input& input) {
  const std::size_t offset = input.below(64), n = 1 + input.below(300), count = input.below(30);
  Unaligned data(input, n * 4, offset);
  std::vector<std::uint32_t> bins, expected;
  for (std::size_t i = 0; i < count; ++i) {
    std::uint16_t top;
    std::memcpy(&top, data.data() + (i * 7 % n) * 4 + 2, sizeof top);
    bins.push_back((top + (i % 3 == 0 ? 1U : 0U)) & 0x7fff);
  }
  for (std::size_t i = 0; i < n; ++i) {
    std::uint32_t pattern;
    std::memcpy(&pattern, data.data() + i * 4, sizeof pattern);
    if (std::count(bins.begin(), bins.end(), pattern >> 16 & 0x7fff) != 0) expected.push_back(pattern);
  }
  compare("pick_leading", -1, [&] {
    std::vector<std::uint32_t> found(n + kernels::kPickSlack);
    found.resize(kernels::pick_leading(data.data(), n, bins, found.data()));
    require(found == expected, "pick_leading finds the elements of the bins");
    return Result{};
  });
}

/// This kernel is not compiled for each instruction set, so it is compared with its definition.
inline void trailing(Input& input) {
  const std::size_t offset = input.below(64), n = 1 + input.below(300);
  Unaligned data(input, n * 4, offset);
  const auto bits_of = [&](std::size_t i) {
    std::uint32_t bits;
    std::memcpy(&bits, data.data() + 4 * i, sizeof bits);
    return bits;
  };
  constexpr std::size_t kSlots = 2;
  static std::vector<std::uint8_t> slot_of(kernels::kLeadingBins);
  static std::vector<std::uint64_t> tables(kSlots << 16), expected(kSlots << 16);
  std::vector<std::uint32_t> chosen;  // top bits
  for (std::size_t slot = 0; slot < kSlots; ++slot) {
    chosen.push_back(bits_of(input.below(n)) >> 16);
    slot_of[chosen.back()] = static_cast<std::uint8_t>(slot + 1);
  }
  kernels::count_trailing_bits(data.data(), n, slot_of.data(), tables.data());
  for (std::size_t i = 0; i < n; ++i)
    if (const std::uint8_t slot = slot_of[bits_of(i) >> 16]; slot != 0)
      ++expected[((slot - 1U) << 16) + (bits_of(i) & 0xFFFF)];
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t slot = 0; slot < kSlots; ++slot) {
      const std::size_t at = (slot << 16) + (bits_of(i) & 0xFFFF);
      require(tables[at] == expected[at], "count_trailing_bits counts what has a slot");
    }
  // Clears the table again, so that the next input detects counts at other places.
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t slot = 0; slot < kSlots; ++slot)
      tables[(slot << 16) + (bits_of(i) & 0xFFFF)] = expected[(slot << 16) + (bits_of(i) & 0xFFFF)] = 0;
  for (const std::uint32_t top : chosen) slot_of[top] = 0;
}

}  // namespace pare::fuzz
