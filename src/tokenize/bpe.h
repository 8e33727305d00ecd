// Byte-pair encoding, of bytes (GPT-2; Radford et al. 2019) or of characters (Sennrich et al. 2016).
#pragma once

#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tokenize/algorithm.h"
#include "tokenize/token_map.h"

namespace pare::tokenize {

using Merges = std::vector<std::pair<std::string, std::string>>;

struct BpeOptions {
  bool bytes = true;           ///< a word's symbols are its bytes, spelled in GPT-2's alphabet; else its characters
  bool ignore_merges = false;  ///< a word in the vocabulary is one token, regardless of merges
  bool byte_fallback = false;  ///< a character without a token becomes tokens <0x00> to <0xFF>
  bool fuse_unknown = false;   ///< consecutive unknown characters form one token
  std::string unknown;         ///< token of unknown characters; if empty, they are dropped
};

class Bpe final : public Algorithm {
 public:
  /// Throws Error naming `path` for a merge of or into a token that is not in the vocabulary, and for an unknown token
  /// that is not in it.
  Bpe(Vocabulary vocabulary, const Merges& merges, BpeOptions options, const std::filesystem::path& path);

  std::size_t size() const noexcept override { return vocabulary_.size(); }
  std::optional<std::int32_t> id_of(std::string_view token) const override { return ids_[token]; }
  std::string_view token(std::int32_t id) const override { return vocabulary_[static_cast<std::size_t>(id)]; }
  void encode_word(std::string_view word, Scratch& scratch, std::vector<std::int32_t>& ids) const override {
    if (splits_at_marks_) return encode_marked(word, scratch, ids);
    encode_whole(word, scratch, ids);
  }

 private:
  struct Merge {
    std::uint64_t pair;  ///< left id << 32 | right id
    std::int32_t rank, result;
  };

  static constexpr std::size_t kFewParts = 24;

  const Merge* find(std::int32_t left, std::int32_t right) const noexcept;
  void insert(const Merge& merge) noexcept;
  void take_merges(const Merges& merges, const std::filesystem::path& path);
  /// Whether "▁" after another character never merges with it, so that words can be cut there.
  bool may_split_at_marks(const Merges& merges) const;
  void index_words();

  void encode_marked(std::string_view text, Scratch& scratch, std::vector<std::int32_t>& ids) const;
  void encode_whole(std::string_view word, Scratch& scratch, std::vector<std::int32_t>& ids) const {
    if (const auto whole = words_[word])
      ids.push_back(*whole);
    else
      merge_word(word, scratch, ids);
  }
  void merge_word(std::string_view word, Scratch& scratch, std::vector<std::int32_t>& ids) const;
  void merge_few(std::vector<std::int32_t>& parts, std::vector<std::int32_t>& ids) const;
  void merge_many(Scratch& scratch, std::vector<std::int32_t>& ids) const;
  void take_characters(std::string_view word, std::vector<std::int32_t>& parts) const;
  bool take_bytes(std::string_view character, std::vector<std::int32_t>& parts) const;

  Vocabulary vocabulary_;
  BpeOptions options_;
  TokenMap ids_;
  std::vector<Merge> merges_;                // a hash table
  std::array<std::int32_t, 256> byte_ids_;   // of bytes in the alphabet, or of byte tokens
  std::array<std::int32_t, 128> ascii_ids_;  // of single characters
  std::optional<std::int32_t> unknown_;
  bool splits_at_marks_ = false;
  std::vector<std::string> word_bytes_;
  TokenMap words_;  // the words that become one token
};

}  // namespace pare::tokenize
