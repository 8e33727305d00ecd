// The tokenizer that a GGUF file describes, as the files of a model directory.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "checkpoint/gguf/gguf_metadata.h"

namespace pare::model {

/// Expressions that split text before byte-level BPE, by the names of llama.cpp (tokenizer.ggml.pre). Empty for a name
/// that stands for GPT-2's own splitting, which all other names get, too, as in transformers.
std::string_view split_expression(std::string_view pre_tokenizer) noexcept;

/// Returns tokenizer.json and tokenizer_config.json with the steps of transformers 5 (gguf_tokenizer_mapping.py), which
/// makes the same ids; nothing, and a note, for a kind of tokenizer that pare does not rebuild. Throws Error for
/// metadata that contradict each other.
std::vector<std::pair<std::string, std::string>> gguf_tokenizer_texts(const checkpoint::GgufMetadata& metadata,
                                                                      std::vector<std::string>& notes);

}  // namespace pare::model
