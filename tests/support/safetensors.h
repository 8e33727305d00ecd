// Makes safetensors files byte by byte, well-formed or with one error.
#pragma once

#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "checkpoint/source.h"
#include "support/files.h"

namespace pare::test {

/// The file: length of the header (the true one or a false one), header, data.
inline std::string safetensors(std::string_view header, std::string_view data,
                               std::optional<std::uint64_t> length = std::nullopt) {
  const std::uint64_t bytes = length.value_or(header.size());
  std::string file(sizeof bytes, '\0');
  std::memcpy(file.data(), &bytes, sizeof bytes);
  return file.append(header).append(data);
}

/// A file of U8 tensors, one after another: (name, data).
inline std::string safetensors_of(const std::vector<std::pair<std::string, std::string>>& tensors) {
  std::string header = "{", data;
  for (const auto& [name, bytes] : tensors) {
    header += (data.empty() ? "\"" : ",\"") + name + R"(":{"dtype":"U8","shape":[)" + std::to_string(bytes.size()) +
              R"(],"data_offsets":[)" + std::to_string(data.size()) + "," + std::to_string(data.size() + bytes.size()) +
              "]}";
    data += bytes;
  }
  return safetensors(header + "}", data);
}

/// Reads the file from a block of exactly its size, so that a sanitizer detects every read past the end.
inline checkpoint::SourceFile parse_safetensors(const std::string& file) {
  const auto owner = std::make_shared<const std::vector<char>>(file.begin(), file.end());
  return checkpoint::parse_safetensors(std::as_bytes(std::span(*owner)), "model.safetensors", owner);
}

/// The message of the Error that reading `file` throws; empty if it does not throw.
inline std::string safetensors_failure(const std::string& file) {
  return error_of([&] { parse_safetensors(file); });
}

inline std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Lower-case hexadecimal digits.
inline std::string hex(std::span<const std::byte> bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const std::byte byte : bytes) {
    text += kDigits[std::to_integer<unsigned>(byte) >> 4];
    text += kDigits[std::to_integer<unsigned>(byte) & 15];
  }
  return text;
}

}  // namespace pare::test
