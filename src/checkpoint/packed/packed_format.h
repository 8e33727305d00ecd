// Names and limits of packed files; docs/formats.md describes them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace pare::checkpoint {

constexpr const char* kPackedKey = "pare.packed";  ///< in "__metadata__": the packed tensors and their encodings
constexpr const char* kHeaderKey = "pare.header";  ///< the JSON of the header that the file had before
constexpr std::uint64_t kPackedVersion = 1;

/// A tensor with more than this many bytes for each stored byte is refused. (Gap codes take a byte for 255 zeros.)
constexpr std::uint64_t kLargestRatio = 2048;

/// Names of the stored parts of a tensor. compressed-tensors drops ".weight", so the names of the bitmask encoding do
/// too.
struct PartNames {
  std::string compressed, bitmask, shape, row_offsets;  ///< Encoding::kBitmask
  std::string gaps8, gaps4, values;                     ///< Encoding::kGaps8, kGaps4
  std::string zstd, gaps8_zstd, values_zstd;            ///< Encoding::kDenseZstd, kGaps8Zstd

  explicit PartNames(const std::string& name);
};

}  // namespace pare::checkpoint
