// The steps that transformers' tokenizer classes have whatever tokenizer.json says: of that file, such a class takes
// the vocabulary, the special tokens and the post-processor only.
#pragma once

#include "tokenize/bpe.h"
#include "tokenize/pipeline.h"
#include "tokenize/tokenizer_config.h"

namespace pare::tokenize {

/// Sets normalizer, pre-tokenizer and decoder of a class other than kJson. `charsmap` is T5's.
void take_class_steps(const TokenizerConfig& config, Charsmap charsmap, PipelineParts& parts);

/// How a class with BPE builds it.
BpeOptions class_bpe_options(const TokenizerConfig& config);

}  // namespace pare::tokenize
