// GPT-2's mapping of the 256 bytes to printable characters (`bytes_to_unicode` in its encoder.py).
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "base/utf8.h"

namespace pare::tokenize {

class ByteAlphabet {
 public:
  static const ByteAlphabet& get() {
    static const ByteAlphabet alphabet;
    return alphabet;
  }

  /// The bytes that a token stands for; nothing if it contains a character outside the alphabet.
  std::optional<std::string> bytes(std::string_view token) const {
    std::string result;
    for (std::size_t at = 0; at < token.size();) {
      const base::Character character = base::character_at(token, at);
      if (character.code >= bytes_.size() || bytes_[character.code] < 0) return std::nullopt;
      result.push_back(static_cast<char>(bytes_[character.code]));
      at += character.size;
    }
    return result;
  }

  /// The character that stands for a byte.
  std::string token(unsigned char byte) const {
    std::string result;
    base::append_utf8(result, characters_[byte]);
    return result;
  }

 private:
  /// Printable Latin-1 bytes stand for themselves, the others in sequence for the characters from U+0100 on.
  ByteAlphabet() {
    bytes_.fill(-1);
    char32_t next = 0x100;
    for (unsigned byte = 0; byte < 256; ++byte) {
      const bool printable = (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte != 0xAD);
      characters_[byte] = printable ? byte : next++;
      bytes_[characters_[byte]] = static_cast<int>(byte);
    }
  }

  std::array<char32_t, 256> characters_;
  std::array<int, 512> bytes_;
};

}  // namespace pare::tokenize
