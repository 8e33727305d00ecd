// Unigram: the most likely segmentation into pieces (T5; Kudo 2018).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tokenize/algorithm.h"
#include "tokenize/byte_trie.h"
#include "tokenize/charsmap.h"
#include "tokenize/token_map.h"

namespace pare::tokenize {

struct UnigramOptions {
  enum class Prefix { kAlways, kFirst, kNever };
  std::size_t unknown = 2;
  Charsmap charsmap;
  bool strip_left = false, strip_right = false;  ///< strips white space at the ends
  bool collapse_spaces = false;                  ///< two or more spaces become one "▁"
  bool split_at_space = true;                    ///< splits words at white space of any kind and drops it
  Prefix prefix = Prefix::kAlways;               ///< where "▁" is added before a word that has none
  Prefix decode_prefix = Prefix::kAlways;
};

class Unigram final : public Algorithm {
 public:
  /// `scores`: log probabilities. Throws Error naming `path` for an unknown token outside the vocabulary
  /// and for scores that are not finite.
  Unigram(Vocabulary vocabulary, std::vector<double> scores, UnigramOptions options, const std::filesystem::path& path);

  std::size_t size() const noexcept override { return vocabulary_.size(); }
  std::optional<std::int32_t> id_of(std::string_view token) const override { return ids_[token]; }
  std::string_view token(std::int32_t id) const override { return vocabulary_[static_cast<std::size_t>(id)]; }
  void normalize(std::string_view text, std::string& normalized) const override;
  void encode(std::string_view normalized, bool first, std::vector<std::int32_t>& ids) const override;
  std::string decode(std::span<const std::string_view> tokens) const override;

 private:
  struct Work;
  void encode_spaced(std::string_view text, bool prefixed, Work& work, std::vector<std::int32_t>& ids) const;
  void encode_word(std::string_view word, Work& work, std::vector<std::int32_t>& ids) const;

  Vocabulary vocabulary_;
  std::vector<double> scores_;
  UnigramOptions options_;
  TokenMap ids_;
  ByteTrie trie_;
  double unknown_score_ = 0;
};

}  // namespace pare::tokenize
