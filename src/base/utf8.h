// Reading and writing UTF-8.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace pare::base {

/// What Windows programs put before a text.
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

/// Offset of the first byte that is not UTF-8 (as Unicode defines it: no overlong forms, no surrogates); nullopt if all
/// bytes are valid.
std::optional<std::size_t> first_invalid_utf8(std::string_view text) noexcept;

/// A code point and its number of bytes.
struct Character {
  char32_t code;
  std::size_t size;
};

/// The character at `at`; `text` must be UTF-8.
inline Character character_at(std::string_view text, std::size_t at) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<char32_t>(static_cast<unsigned char>(text[at + i])); };
  const char32_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  if (lead < 0xE0) return {(lead & 0x1F) << 6 | (byte(1) & 0x3F), 2};
  if (lead < 0xF0) return {(lead & 0xF) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F), 3};
  return {(lead & 7) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 | (byte(3) & 0x3F), 4};
}

/// The character that ends before `end` (> 0).
Character character_before(std::string_view text, std::size_t end) noexcept;

/// Number of bytes of the character that begins with `lead`.
inline std::size_t character_size(char lead) noexcept {
  const auto byte = static_cast<unsigned char>(lead);
  return byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

inline bool is_ascii(char byte) noexcept { return static_cast<unsigned char>(byte) < 0x80; }

void append_utf8(std::string& text, char32_t code);

/// `bytes` with each maximal invalid part replaced by U+FFFD, like Python's bytes.decode("utf-8", "replace").
std::string repaired_utf8(std::string_view bytes);

}  // namespace pare::base
