// A GGUF file as a model of transformers: names, values, config.json and tokenizer.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "pare/checkpoint.h"

namespace pare::model {

struct GgufModel {
  Checkpoint checkpoint;  ///< with transformers' names, and with the configuration if the architecture is known
  std::vector<std::string> notes;
  std::vector<std::pair<std::string, std::string>> texts;  ///< tokenizer.json and others: name and text
};

/// `source.gguf()` must not be nullptr. Throws Error naming the file and the key or tensor for settings and tensors
/// that contradict each other.
GgufModel read_gguf_model(const Checkpoint& source);

}  // namespace pare::model
