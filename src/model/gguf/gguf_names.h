// How the tensors and settings of a GGUF file are called in transformers, by the rules of its own reader
// (modeling_gguf_pytorch_utils.py) and of the PyPI package gguf (tensor_mapping.py).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "checkpoint/gguf/gguf_metadata.h"

namespace pare::model {

/// How the values of a tensor differ from those of transformers.
enum class GgufChange : std::uint8_t {
  kNone,
  kQueryRows,  ///< the two halves of each head's rows alternate
  kKeyRows,    ///< the same, for the heads of keys
  kOffset,     ///< 1 was added to a norm's weight
  kTransposed,
};

struct GgufName {
  std::string_view gguf, transformers;  ///< without "blk.N.", the layers' prefix and the ending
  GgufChange change = GgufChange::kNone;
};

struct GgufSetting {
  std::string_view gguf, transformers;
};

/// An architecture that both pare and transformers read from GGUF files.
struct GgufArchitecture {
  std::string_view name;        ///< general.architecture
  std::string_view model_type;  ///< of config.json
  std::string_view class_name;
  std::string_view layers;  ///< "model.layers."
  std::span<const GgufName> outside, in_layer;
  std::span<const GgufSetting> settings;  ///< keys without the architecture's name
};

/// Returns nullptr for an architecture that pare does not know.
const GgufArchitecture* find_gguf_architecture(std::string_view name) noexcept;

struct GgufTarget {
  std::string name;  ///< as transformers spells it
  GgufChange change = GgufChange::kNone;
};
/// Returns nullopt for a tensor that transformers does not use.
std::optional<GgufTarget> transformers_name(const GgufArchitecture& architecture, std::string_view gguf_name);
/// The inverse, also for names of a class without a head, which lack a prefix. Returns nullopt for a name that the
/// architecture does not have.
std::optional<GgufTarget> gguf_name(const GgufArchitecture& architecture, std::string_view transformers_name);

}  // namespace pare::model
