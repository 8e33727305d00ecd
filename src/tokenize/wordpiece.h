// WordPiece: greedy longest match first (BERT; Wu et al. 2016).
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "tokenize/algorithm.h"
#include "tokenize/bert_text.h"
#include "tokenize/byte_trie.h"
#include "tokenize/token_map.h"

namespace pare::tokenize {

struct WordPieceOptions {
  std::string unknown = "[UNK]";
  std::string continuing_prefix = "##";
  std::size_t longest_word = 100;  ///< in characters; longer words are unknown
  bool decode_cleanup = true;      ///< removes spaces before punctuation in decoded text
  BertNormalization normalization;
};

class WordPiece final : public Algorithm {
 public:
  /// Throws Error naming `path` if the unknown token is not in the vocabulary.
  WordPiece(Vocabulary vocabulary, WordPieceOptions options, const std::filesystem::path& path);

  std::size_t size() const noexcept override { return vocabulary_.size(); }
  std::optional<std::int32_t> id_of(std::string_view token) const override { return ids_[token]; }
  std::string_view token(std::int32_t id) const override { return vocabulary_[static_cast<std::size_t>(id)]; }
  void normalize(std::string_view text, std::string& normalized) const override {
    options_.normalization.apply(text, normalized);
  }
  void encode(std::string_view normalized, bool first, std::vector<std::int32_t>& ids) const override;
  std::string decode(std::span<const std::string_view> tokens) const override;

 private:
  void encode_word(std::string_view word, std::vector<std::int32_t>& ids) const;

  Vocabulary vocabulary_;
  WordPieceOptions options_;
  TokenMap ids_;
  ByteTrie beginnings_, continuations_;
  std::int32_t unknown_ = 0;
};

/// transformers' clean_up_tokenization: removes the spaces that WordPiece puts before punctuation.
void clean_up_spaces(std::string& text);

}  // namespace pare::tokenize
