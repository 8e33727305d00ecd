// BPE and Unigram tokenizers from SentencePiece's model file.
#pragma once

#include <filesystem>

#include "tokenize/bpe.h"
#include "tokenize/pipeline.h"
#include "tokenize/tokenizer_config.h"
#include "tokenize/tokenizer_files.h"

namespace pare::tokenize {

/// The merges of a vocabulary that has none: each token of two others, in the order of the tokens (generate_merges of
/// transformers, which its classes use).
Merges merges_by_id(const Vocabulary& vocabulary, const std::filesystem::path& path);

/// Takes the algorithm and every step as the model's own settings have them (transformers'
/// SpmConverter.build_tokenizer_from_spm_proto).
void take_spiece_steps(const Spiece& model, const TokenizerConfig& config, const std::filesystem::path& path,
                       PipelineParts& parts);

}  // namespace pare::tokenize
