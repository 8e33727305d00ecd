// Magic, version and checksum of a saved Measurement; docs/formats.md describes the rest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace pare::stats {

/// A file begins with eight bytes of magic and four of version. It ends with the XXH3-64 of everything before it.
inline constexpr std::string_view kMeasurementMagic = "PAREMEAS";
inline constexpr std::uint32_t kMeasurementVersion = 1;
inline constexpr std::size_t kMeasurementChecksumBytes = 8;

}  // namespace pare::stats
