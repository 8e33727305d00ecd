// Sets of characters, as the brackets and escapes of a regular expression describe them.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "base/utf8.h"
#include "tokenize/unicode.h"

namespace pare::tokenize {

class CharSet {
 public:
  void add(char32_t first, char32_t last) { ranges_.emplace_back(first, last); }
  /// Adds all code points of some general categories; bit i is category i.
  void add_categories(std::uint32_t mask) { categories_ |= mask; }
  void add_spaces() { spaces_ = true; }
  void add_words() { words_ = true; }
  void add(CharSet set) { sets_.push_back(std::move(set)); }
  void negate() { negated_ = !negated_; }
  /// Adds the other case of ASCII letters, and what Unicode folds to an ASCII letter.
  void ignore_case();
  /// Must be called once, when the set is complete.
  void finish();

  bool contains(char32_t code) const { return code < 0x80 ? bytes_[code] == kIn : lookup(code); }

  /// Whether a character of the set may begin with this byte.
  bool may_begin(unsigned char byte) const { return bytes_[byte] != kOut; }

  /// Bytes of the character at `at` if it is in the set; otherwise 0.
  std::size_t match(std::string_view text, std::size_t at) const {
    if (at >= text.size()) return 0;
    const std::uint8_t kind = bytes_[static_cast<unsigned char>(text[at])];
    if (kind != kAsk) return kind;
    const base::Character character = base::character_at(text, at);
    return lookup(character.code) ? character.size : 0;
  }

  /// Whether no character is in both sets; false if that is not known.
  bool is_disjoint(const CharSet& other) const;

 private:
  static constexpr std::uint8_t kOut = 0, kIn = 1, kAsk = 2;
  bool lookup(char32_t code) const;

  std::vector<std::pair<char32_t, char32_t>> ranges_;
  std::vector<CharSet> sets_;
  std::uint32_t categories_ = 0;
  bool spaces_ = false, words_ = false, negated_ = false;
  std::array<std::uint8_t, 256> bytes_{};  // for ASCII the answer, for the first byte of others kAsk
};

}  // namespace pare::tokenize
