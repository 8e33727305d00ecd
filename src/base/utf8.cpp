#include "base/utf8.h"

#include <cstdint>
#include <cstring>

namespace pare::base {
namespace {

unsigned byte_at(std::string_view text, std::size_t at) { return static_cast<unsigned char>(text[at]); }

/// Number of bytes of the valid character at `at`, or 0 and, in `wrong`, the number of bytes to skip
/// (the maximal subpart of Unicode 3.9, "U+FFFD Substitution of Maximal Subparts").
std::size_t valid_character(std::string_view text, std::size_t at, std::size_t& wrong) {
  const unsigned lead = byte_at(text, at);
  wrong = 1;
  if (lead < 0x80) return 1;
  if (lead < 0xC2 || lead > 0xF4) return 0;
  const std::size_t size = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  // The range of the second byte excludes overlong forms, surrogates and code points above U+10FFFF.
  unsigned low = 0x80, high = 0xBF;
  if (lead == 0xE0) low = 0xA0;
  if (lead == 0xED) high = 0x9F;
  if (lead == 0xF0) low = 0x90;
  if (lead == 0xF4) high = 0x8F;
  for (std::size_t i = 1; i < size; ++i) {
    if (at + i >= text.size() || byte_at(text, at + i) < low || byte_at(text, at + i) > high) return 0;
    low = 0x80;
    high = 0xBF;
    ++wrong;
  }
  return size;
}

}  // namespace

std::optional<std::size_t> first_invalid_utf8(std::string_view text) noexcept {
  std::size_t at = 0, wrong = 0;
  while (at < text.size()) {
    std::uint64_t eight = 0;
    if (at + sizeof eight <= text.size()) {
      std::memcpy(&eight, text.data() + at, sizeof eight);
      if ((eight & 0x8080808080808080U) == 0) {
        at += sizeof eight;
        continue;
      }
    }
    const std::size_t size = valid_character(text, at, wrong);
    if (size == 0) return at;
    at += size;
  }
  return std::nullopt;
}

Character character_before(std::string_view text, std::size_t end) noexcept {
  std::size_t begin = end - 1;
  while ((static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80) --begin;
  return character_at(text, begin);
}

void append_utf8(std::string& text, char32_t code) {
  const auto put = [&](char32_t byte) { text.push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | code >> 6);
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3F));
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

std::string repaired_utf8(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  for (std::size_t at = 0, wrong = 0; at < bytes.size();) {
    const std::size_t size = valid_character(bytes, at, wrong);
    if (size == 0) {
      text += "\xEF\xBF\xBD";
      at += wrong;
    } else {
      text += bytes.substr(at, size);
      at += size;
    }
  }
  return text;
}

}  // namespace pare::base
