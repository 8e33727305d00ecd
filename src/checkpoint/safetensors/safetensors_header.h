// The JSON in front of a safetensors file's data.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pare/checkpoint.h"

namespace pare::checkpoint {

struct SafetensorsEntry {
  std::string name;
  DType dtype = DType::kF32;
  std::vector<std::uint64_t> shape;
  std::uint64_t begin = 0, end = 0;  ///< bytes of the data
  std::uint64_t size() const noexcept { return end - begin; }
};

struct SafetensorsHeader {
  std::vector<SafetensorsEntry> tensors;  ///< in data order
  std::map<std::string, std::string> metadata;
  std::uint64_t data_size = 0;
};

/// Checks shapes and offsets, and that the tensors tile the data (of `data_size` bytes, where that is known) without
/// hole or overlap. Throws Error naming `path`; `subject` is what messages call the JSON.
SafetensorsHeader parse_header(std::string_view json, std::optional<std::uint64_t> data_size,
                               const std::filesystem::path& path, std::string_view subject = "the header");

}  // namespace pare::checkpoint
