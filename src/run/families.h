// The families that can be run: for each model_type a function from its configuration to a ModelSpec.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "model/config.h"
#include "run/spec.h"

namespace pare::run {

struct RunnableFamily {
  std::string_view model_type;  ///< config.json's
  ModelKind kind = ModelKind::kCausal;
  /// Throws Error for a configuration that makes no sense, or asks for something that pare does not compute.
  ModelSpec (*spec)(const model::Config& config) = nullptr;
};

/// nullptr if models of this type cannot be run.
const RunnableFamily* find_runnable(std::string_view model_type);
/// The types that can be run, in alphabetical order, separated by commas.
std::string runnable_types();

// One source file for each group of related families.
std::span<const RunnableFamily> bart_kind();
std::span<const RunnableFamily> falcon_kind();
std::span<const RunnableFamily> gpt2_kind();
std::span<const RunnableFamily> bert_kind();
std::span<const RunnableFamily> composed_kind();
std::span<const RunnableFamily> t5_kind();
std::span<const RunnableFamily> llama_kind();
std::span<const RunnableFamily> granite_kind();
std::span<const RunnableFamily> roberta_kind();
std::span<const RunnableFamily> gemma_kind();
std::span<const RunnableFamily> mixture_kind();
std::span<const RunnableFamily> modernbert_kind();
std::span<const RunnableFamily> opt_kind();
std::span<const RunnableFamily> gpt_neox_kind();
std::span<const RunnableFamily> phi_kind();
std::span<const RunnableFamily> starcoder_kind();
std::span<const RunnableFamily> bloom_kind();

}  // namespace pare::run
