// How a saved Measurement begins.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace pare::stats {

/// Eight bytes of magic, four of version; then the figures; last an XXH3 of 64 bits of all before it.
inline constexpr std::string_view kMeasurementMagic = "PAREMEAS";
inline constexpr std::uint32_t kMeasurementVersion = 1;
inline constexpr std::size_t kMeasurementChecksumBytes = 8;

}  // namespace pare::stats
