// tokenizer.json: vocabulary, steps and added tokens, as `tokenizers` serializes them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "pare/error.h"
#include "tokenize/algorithm.h"
#include "tokenize/bpe.h"
#include "tokenize/unigram.h"
#include "tokenize/wordpiece.h"

namespace pare::tokenize {

using base::JsonFile;
using base::JsonValue;

/// "BPE", "WordPiece" or "Unigram".
std::string model_type(const JsonFile& file);

struct ScoredVocabulary {
  Vocabulary pieces;
  std::vector<double> scores;
};

Vocabulary json_vocabulary(const JsonFile& file);
ScoredVocabulary json_scored_vocabulary(const JsonFile& file);
Merges json_merges(const JsonFile& file);
/// The map of the first Precompiled normalizer, or an empty map if there is none.
Charsmap json_charsmap(const JsonFile& file);

/// The algorithm with every step as given in the file. Throws Error for a step that none of the three families uses.
std::unique_ptr<Algorithm> json_algorithm(const JsonFile& file);

/// Ids that the post-processor places around a single text.
struct Surroundings {
  std::vector<std::int32_t> before, after;
};
Surroundings json_surroundings(const JsonFile& file);

}  // namespace pare::tokenize
