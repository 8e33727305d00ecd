// The vocabulary files of the three families.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tokenize/algorithm.h"
#include "tokenize/bpe.h"
#include "tokenize/json_file.h"

namespace pare::tokenize {

// Each throws Error naming the file and what is wrong with it.

/// {"token": id, ...}: every id from 0 on exactly once.
Vocabulary vocabulary_of(const JsonValue& object);
Vocabulary read_vocab_json(const std::filesystem::path& path);

/// A pair of tokens a line, after an optional line "#version...".
Merges read_merges(const std::filesystem::path& path);

/// A token a line; the id is the line's number from 0.
Vocabulary read_vocab_text(const std::filesystem::path& path);

/// What T5's tokenizer needs of a SentencePiece model.
struct Spiece {
  struct Added {
    std::string content;
    bool special;  ///< control pieces are, user-defined ones are not
  };
  Vocabulary pieces;
  std::vector<double> scores;
  std::vector<Added> added;
  std::string charsmap;  ///< normalizer_spec.precompiled_charsmap; empty: none
};
Spiece read_spiece(const std::filesystem::path& path);

}  // namespace pare::tokenize
