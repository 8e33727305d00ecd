// The vocabulary files of the three families.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/json.h"
#include "pare/error.h"
#include "tokenize/algorithm.h"
#include "tokenize/bpe.h"

namespace pare::tokenize {

using base::JsonFile;
using base::JsonValue;

// Each function throws Error naming the file and the cause.

/// {"token": id, ...} with every id from 0 exactly once.
Vocabulary vocabulary_of(const JsonValue& object);
Vocabulary read_vocab_json(const std::filesystem::path& path);

/// One pair of tokens per line, after an optional line "#version...".
Merges read_merges(const std::filesystem::path& path);

/// One token per line; the id is the line number, starting at 0.
Vocabulary read_vocab_text(const std::filesystem::path& path);

/// The parts of a SentencePiece model that T5's tokenizer needs.
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
