// tokenizer.json: vocabulary, steps and added tokens, as `tokenizers` serializes them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "pare/error.h"
#include "tokenize/algorithm.h"
#include "tokenize/bpe.h"
#include "tokenize/pipeline.h"

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

/// Takes the algorithm and every step around it as given in the file. Throws Error for what is not supported.
void take_json_steps(const JsonFile& file, PipelineParts& parts);

/// Lets BPE read a word's bytes where the last pre-tokenizer would spell them in GPT-2's alphabet first.
void read_bytes_directly(BpeOptions& options, const Vocabulary& vocabulary, PreTokenizer& pre_tokenizer);

/// Ids that the post-processor places around a single text.
struct Surroundings {
  std::vector<std::int32_t> before, after;
};
Surroundings json_surroundings(const JsonFile& file);

}  // namespace pare::tokenize
