// A model's configuration and tokenizer as the metadata of a GGUF file.
#pragma once

#include <vector>

#include "checkpoint/gguf/gguf_writer.h"
#include "model/gguf/gguf_names.h"
#include "pare/model.h"

namespace pare::model {

/// The architecture to write a model as. Throws Error (kUnsupported) for one that pare does not write.
const GgufArchitecture& gguf_architecture_of(const Model& model);

/// Adds "general.architecture" and the settings of the architecture. Throws Error for a configuration that lacks a
/// setting (kMismatch), or that has one that GGUF or llama.cpp does not know (kUnsupported).
void add_gguf_settings(const Model& model, const GgufArchitecture& architecture, checkpoint::GgufText& text);

/// Adds the tokenizer: that of the GGUF file that the model was read from, or of its tokenizer.json, or of its
/// vocab.json and merges.txt. `rows` is the number of rows of the embedding. Throws Error for a tokenizer that cannot
/// be read, or that llama.cpp does not have (kUnsupported).
void add_gguf_tokenizer(const Model& model, std::uint64_t rows, checkpoint::GgufText& text);

}  // namespace pare::model
