// Unigram: the most likely segmentation into pieces (T5; Kudo 2018).
#pragma once

#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "tokenize/algorithm.h"
#include "tokenize/byte_trie.h"
#include "tokenize/token_map.h"

namespace pare::tokenize {

/// A number as serde_json reads it, which `tokenizers` uses: its shortest digits as a double, times or over a power of
/// ten. The result is not always the nearest double, and the last bit decides between tied segmentations.
double as_serde_reads(double value);

class Unigram final : public Algorithm {
 public:
  /// `scores`: log probabilities; `unknown`: id of the unknown token; `byte_fallback`: unknown text becomes tokens
  /// <0x00> to <0xFF>. Throws Error naming `path` for an unknown token outside the vocabulary and for scores that are
  /// not finite.
  Unigram(Vocabulary vocabulary, std::vector<double> scores, std::size_t unknown, bool byte_fallback,
          const std::filesystem::path& path);

  std::size_t size() const noexcept override { return vocabulary_.size(); }
  std::optional<std::int32_t> id_of(std::string_view token) const override { return ids_[token]; }
  std::string_view token(std::int32_t id) const override { return vocabulary_[static_cast<std::size_t>(id)]; }
  void encode_word(std::string_view word, Scratch& scratch, std::vector<std::int32_t>& ids) const override;

 private:
  void put_unknown(std::string_view text, std::vector<std::int32_t>& ids) const;

  Vocabulary vocabulary_;
  std::vector<double> scores_;
  TokenMap ids_;
  std::size_t unknown_;
  std::array<std::int32_t, 256> byte_ids_;  // of byte tokens; -1 without byte fallback
  ByteTrie trie_;
  double unknown_score_ = 0;
};

}  // namespace pare::tokenize
