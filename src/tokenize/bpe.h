// Byte-level byte-pair encoding (GPT-2; Radford et al. 2019, Sennrich et al. 2016).
#pragma once

#include <array>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "tokenize/algorithm.h"
#include "tokenize/token_map.h"

namespace pare::tokenize {

using Merges = std::vector<std::pair<std::string, std::string>>;

struct BpeOptions {
  bool add_prefix_space = false;  ///< puts a space before the text, as in the middle of a sentence
  bool use_pattern = true;        ///< splits by GPT-2's pattern first
  bool ignore_merges = false;     ///< a word in the vocabulary is one token, regardless of merges
};

class ByteLevelBpe final : public Algorithm {
 public:
  /// Throws Error naming `path` for a merge of or into a token that is not in the vocabulary.
  ByteLevelBpe(Vocabulary vocabulary, const Merges& merges, BpeOptions options, const std::filesystem::path& path);

  std::size_t size() const noexcept override { return vocabulary_.size(); }
  std::optional<std::int32_t> id_of(std::string_view token) const override { return ids_[token]; }
  std::string_view token(std::int32_t id) const override { return vocabulary_[static_cast<std::size_t>(id)]; }
  void encode(std::string_view normalized, bool first, std::vector<std::int32_t>& ids) const override;
  std::string decode(std::span<const std::string_view> tokens) const override;

 private:
  struct Merge {
    std::uint64_t pair;  ///< left id << 32 | right id
    std::int32_t rank, result;
  };
  struct Work;

  const Merge* find(std::int32_t left, std::int32_t right) const noexcept;
  void insert(const Merge& merge) noexcept;
  void encode_word(std::string_view word, Work& work, std::vector<std::int32_t>& ids) const;
  void merge_word(std::string_view word, Work& work, std::vector<std::int32_t>& ids) const;
  void index_words();

  Vocabulary vocabulary_;
  BpeOptions options_;
  TokenMap ids_;
  std::vector<Merge> merges_;  // a hash table
  std::array<std::int32_t, 256> byte_ids_;
  std::vector<std::string> word_bytes_;
  TokenMap words_;  // bytes of the words that merge into one token
};

/// The end of the match of GPT-2's pattern that begins at `begin`:
/// 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
std::size_t gpt2_piece_end(std::string_view text, std::size_t begin);

}  // namespace pare::tokenize
