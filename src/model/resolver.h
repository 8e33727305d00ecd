// From a checkpoint's tensors to a class's parameters.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "model/config.h"
#include "model/table.h"
#include "pare/model.h"

namespace pare::model {

/// Fills architecture, parameters, left_out, missing and notes of `model`, whose checkpoint is set.
void resolve(Model& model, const Config& config, const std::string& as_class);

/// The walk itself: every expected parameter is looked up, everything else explained.
void apply_architecture(Model& model, const Architecture& architecture);

/// Parameters of an unknown architecture, guessed from names. `reason` says why, for a note.
void resolve_generic(Model& model, const Config& config, const std::string& reason);

/// Number of blocks: the first of `keys` that the configuration has, or what the tensors show.
/// Throws Error for an absurd number.
unsigned block_count(const Config& config, std::initializer_list<std::string_view> keys, unsigned shown);

/// Whether an output layer repeats the embedding: by tie_word_embeddings (true if the configuration
/// says nothing, as in transformers); without a configuration, by comparing the stored tensors.
bool head_is_tied(const Config& config, const Names& names, std::string_view head,
                  std::string_view embedding, std::string_view embedding_too = {});

/// Architecture of a class, whatever its family; nullopt if unknown.
std::optional<Architecture> find_architecture(const std::string& class_name, const Config& config, const Names& names);

}  // namespace pare::model
