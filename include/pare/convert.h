// Models in other formats: dense safetensors directories and GGUF files.
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

#include "pare/context.h"
#include "pare/model.h"

namespace pare {

struct ConvertOptions {
  bool force = false;  ///< replace an existing output (a directory only if pare wrote it)
};

/// Writes the model as a directory of safetensors files, with its configuration and tokenizer, that transformers loads:
/// quantized, packed and otherwise encoded tensors as their values, piece by piece. The output appears complete or not
/// at all. Throws Error for files that cannot be read or written; Interrupted.
void write_converted(const Model& model, const std::filesystem::path& out, const ConvertOptions& options = {},
                     const Context& context = {});

/// Types of the matrices in a GGUF file. Norms, biases and position embeddings are always F32; a matrix whose rows Q8_0
/// does not divide is F16.
enum class GgufWeights : std::uint8_t { kF32, kF16, kBF16, kQ8_0 };
/// "F32", "F16", "BF16", "Q8_0".
std::string_view gguf_weights_name(GgufWeights weights) noexcept;

struct GgufOptions {
  std::optional<GgufWeights> weights;  ///< default: the type of the model's matrices, F32 for mixed ones
  bool force = false;                  ///< replace an existing file
};

/// Writes a GGUF file (version 3) that llama.cpp loads, with the configuration and the tokenizer: of Llama, Mistral,
/// Qwen2, Qwen3, GPT-2 and StarCoder 2, with a byte-level BPE tokenizer or that of the GGUF file that was read. Values
/// are rounded as the PyPI package gguf rounds them (to nearest, ties to even; Q8_0 like gguf.quantize). The file
/// appears complete or not at all. Throws Error: kUnsupported for other models and for settings that GGUF does not
/// express; Interrupted.
void write_gguf(const Model& model, const std::filesystem::path& file, const GgufOptions& options = {},
                const Context& context = {});

}  // namespace pare
