// The JSON in front of a safetensors file's data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pare/checkpoint.h"

namespace pare::checkpoint {

inline constexpr std::size_t kHeaderPadding = 64;

struct SafetensorsEntry {
  std::string name;
  DType dtype = DType::kF32;
  std::vector<std::uint64_t> shape;
  std::uint64_t begin = 0, end = 0;  ///< bytes of the data
  std::uint64_t size() const noexcept { return end - begin; }
};

struct SafetensorsHeader {
  std::vector<SafetensorsEntry> tensors;                     ///< in data order
  std::optional<std::string> packed_header, packed_records;  ///< kHeaderKey and kPackedKey of "__metadata__"
  std::uint64_t data_size = 0;
};

/// The eight bytes in front of the header, which hold its length.
inline constexpr std::uint64_t kLengthBytes = 8;

/// Length of the JSON of a file of `file_size` bytes that begins with `front`, 16 bytes or more where the file has
/// them. Throws Error naming `path` if this is not the beginning of a safetensors file, or the file is too short for
/// it.
std::uint64_t header_length(std::span<const std::byte> front, std::uint64_t file_size,
                            const std::filesystem::path& path);

/// Checks shapes and offsets, and that the tensors tile the data (of `data_size` bytes, where that is known) without
/// hole or overlap. Where `data_size` is given, that many bytes must follow `json` in memory, or as many as simdjson
/// reads beyond the end (kHeaderPadding). Takes about twice as much memory as the JSON. Throws Error naming `path`;
/// `subject` names the JSON in messages.
SafetensorsHeader parse_header(std::string_view json, std::optional<std::uint64_t> data_size,
                               const std::filesystem::path& path, std::string_view subject = "the header");

/// "__metadata__" of a header (length bytes and JSON) that parse_header() accepted; for an empty header {"format":
/// "pt"}, which transformers requires.
std::map<std::string, std::string> read_metadata(std::span<const std::byte> header);

}  // namespace pare::checkpoint
