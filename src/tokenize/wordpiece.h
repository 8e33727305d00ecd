// WordPiece: greedy longest match first (BERT; Wu et al. 2016).
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "tokenize/algorithm.h"
#include "tokenize/byte_trie.h"
#include "tokenize/token_map.h"

namespace pare::tokenize {

struct WordPieceOptions {
  std::string unknown = "[UNK]";
  std::string continuing_prefix = "##";
  std::size_t longest_word = 100;  ///< in characters; longer words are unknown
};

class WordPiece final : public Algorithm {
 public:
  /// Throws Error naming `path` if the unknown token is not in the vocabulary.
  WordPiece(Vocabulary vocabulary, WordPieceOptions options, const std::filesystem::path& path);

  std::size_t size() const noexcept override { return vocabulary_.size(); }
  std::optional<std::int32_t> id_of(std::string_view token) const override { return ids_[token]; }
  std::string_view token(std::int32_t id) const override { return vocabulary_[static_cast<std::size_t>(id)]; }
  void encode_word(std::string_view word, Scratch& scratch, std::vector<std::int32_t>& ids) const override;

 private:
  Vocabulary vocabulary_;
  WordPieceOptions options_;
  TokenMap ids_;
  ByteTrie beginnings_, continuations_;
  std::int32_t unknown_ = 0;
};

}  // namespace pare::tokenize
