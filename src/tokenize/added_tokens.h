// Tokens that are matched in the text before any algorithm sees it: special tokens and tokens added later.
#pragma once

#include <bitset>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "tokenize/algorithm.h"
#include "tokenize/byte_trie.h"
#include "tokenize/steps/normalizer.h"

namespace pare::tokenize {

/// `tokenizers`' AddedToken.
struct AddedToken {
  std::string content;
  bool single_word = false;  ///< matches only where it is not next to a word character
  bool lstrip = false;       ///< also matches the white space before it
  bool rstrip = false;       ///< also matches the white space after it
  bool normalized = false;   ///< matched in the normalized text instead
  bool special = false;      ///< skipped by decode() on request
};

class AddedTokens {
 public:
  /// Adds a token: under its id in the vocabulary if it has one, otherwise under the next free id.
  void add(const AddedToken& token, const Algorithm& algorithm);
  /// Must be called once, after all tokens have been added.
  void finish(const Normalizer& normalizer);

  std::optional<std::int32_t> id_of(std::string_view content) const;
  /// The added token of an id, or nothing.
  const AddedToken* find(std::int32_t id) const;
  bool is_special(std::string_view content) const { return specials_.count(std::string(content)) != 0; }
  /// Number of tokens with ids beyond the vocabulary.
  std::size_t beyond(std::size_t vocabulary) const;
  bool any_normalized() const { return !normalized_.trie.empty(); }

  /// Splits text at added tokens (those matched before, or after, normalization) and calls
  /// piece(text, begin) or token(id) in sequence.
  template <class Piece, class Token>
  void split(std::string_view text, bool normalized, Piece&& piece, Token&& token) const {
    const Patterns& patterns = normalized ? normalized_ : plain_;
    std::size_t done = 0;
    for (std::size_t at = 0; at < text.size();) {
      const Match match = next(patterns, text, at, done);
      if (match.id < 0) break;
      at = match.resume;
      if (done < match.begin) piece(text.substr(done, match.begin - done), done);
      token(match.id);
      done = match.end;
    }
    if (done < text.size()) piece(text.substr(done), done);
  }

 private:
  struct Patterns {
    ByteTrie trie;
    std::bitset<256> begins;  // first bytes of all patterns
    int only_begin = -1;      // that byte, if there is only one
  };
  struct Match {
    std::size_t begin = 0, end = 0, resume = 0;
    std::int32_t id = -1;
  };
  Match next(const Patterns& patterns, std::string_view text, std::size_t at, std::size_t done) const;
  static Patterns compile(const std::vector<std::pair<std::string, std::int32_t>>& tokens);

  std::unordered_map<std::string, std::int32_t> ids_;
  std::unordered_map<std::int32_t, AddedToken> tokens_;
  std::unordered_set<std::string> specials_;
  std::vector<AddedToken> in_order_;
  std::int32_t highest_ = -1;
  Patterns plain_, normalized_;
};

}  // namespace pare::tokenize
