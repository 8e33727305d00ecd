// Which class of transformers reads a model directory's tokenizer, by the rules of its AutoTokenizer.
#pragma once

#include <filesystem>
#include <string_view>

#include "base/json.h"

namespace pare::tokenize {

/// How a tokenizer is built: by the rules of a class, or step by step from the file (kJson: TokenizersBackend, also
/// known as PreTrainedTokenizerFast).
enum class TokenizerClass { kGpt2, kGptNeoX, kQwen2, kRoberta, kLlama, kGemma, kBert, kMpnet, kT5, kJson };

/// `config`: the root of tokenizer_config.json, or null. Throws Error for a damaged file, and for a class that is not
/// supported.
TokenizerClass find_class(const std::filesystem::path& directory, const base::JsonValue* config);

/// The kind of algorithm that a class has ("BPE", "WordPiece" or "Unigram"); empty for kJson.
std::string_view algorithm_of(TokenizerClass kind);
/// The name of a class in transformers.
std::string_view name_of(TokenizerClass kind);

}  // namespace pare::tokenize
