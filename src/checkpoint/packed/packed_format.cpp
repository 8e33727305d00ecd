#include "checkpoint/packed/packed_format.h"

#include <iterator>

#include "pare/checkpoint.h"
#include "pare/error.h"

namespace pare {
namespace {

constexpr std::string_view kEncodingNames[] = {"dense", "sparse-bitmask", "gaps8", "gaps4", "dense-zstd", "gaps8-zstd"};

}  // namespace

std::string_view encoding_name(Encoding encoding) noexcept {
  return kEncodingNames[static_cast<std::size_t>(encoding)];
}

std::optional<Encoding> parse_encoding(std::string_view name) noexcept {
  for (std::size_t i = 0; i < std::size(kEncodingNames); ++i)
    if (kEncodingNames[i] == name) return static_cast<Encoding>(i);
  return std::nullopt;
}

namespace checkpoint {

PartNames::PartNames(const std::string& name)
    : gaps8(name + ".gaps8"),
      gaps4(name + ".gaps4"),
      values(name + ".values"),
      zstd(name + ".zstd"),
      gaps8_zstd(name + ".gaps8.zstd"),
      values_zstd(name + ".values.zstd") {
  constexpr std::string_view kWeight = ".weight";
  const std::string base = name.ends_with(kWeight) ? name.substr(0, name.size() - kWeight.size()) : name;
  compressed = base + ".compressed";
  bitmask = base + ".bitmask";
  shape = base + ".shape";
  row_offsets = base + ".row_offsets";
}

}  // namespace checkpoint
}  // namespace pare
