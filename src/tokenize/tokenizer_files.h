// The vocabulary files.
#pragma once

#include <cstdint>
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

/// {"token": id, ...}. Of a token given twice, the last id counts; an id without a token is an empty text. No two
/// tokens share an id.
Vocabulary vocabulary_of(const JsonValue& object);
Vocabulary read_vocab_json(const std::filesystem::path& path);

/// One pair of tokens per line, after an optional line "#version...".
Merges read_merges(const std::filesystem::path& path);

/// One token per line; the id is the line number, starting at 0. Of a token given twice, the last id counts.
Vocabulary read_vocab_text(const std::filesystem::path& path);

/// What a SentencePiece model says of itself (sentencepiece_model.proto, whose defaults these are).
struct Spiece {
  enum class Type { kNormal = 1, kUnknown, kControl, kUserDefined, kUnused, kByte };
  struct Trainer {
    static constexpr std::int64_t kUnigram = 1, kBpe = 2;
    std::int64_t type = kUnigram;
    bool byte_fallback = false;
    std::int64_t unknown_id = 0, begin_id = 1, end_id = 2;
    std::string unknown = "<unk>", begin = "<s>", end = "</s>";
  };
  struct Normalizer {
    bool add_prefix = true;
    bool remove_extra_spaces = true;
    bool escape_spaces = true;  ///< as "▁"
  };
  Vocabulary pieces;
  std::vector<double> scores;
  std::vector<Type> types;
  std::string charsmap;  ///< normalizer_spec.precompiled_charsmap; empty: none
  Trainer trainer;
  Normalizer normalizer;
};
Spiece read_spiece(const std::filesystem::path& path);

}  // namespace pare::tokenize
