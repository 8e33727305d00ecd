// Gemma (Gemma Team 2024), and Gemma 2 and 3 (2024, 2025): norms before and after each branch, windows in most layers,
// capped scores.
#include <array>
#include <cmath>

#include "pare/error.h"
#include "run/families.h"
#include "run/families/decoder_spec.h"
#include "run/rotary_settings.h"
#include "run/settings.h"

namespace pare::run {
namespace {

ModelSpec gemma1_spec(const model::Config& config) {
  ModelSpec spec =
      decoder_spec(config, {.kv_heads = 16, .head_width = 256, .tied = true, .activation = "gelu_pytorch_tanh"});
  spec.stack.norm = NormKind::kRmsPlusOne;
  spec.stack.embedding_scale = std::sqrt(static_cast<float>(spec.stack.width));
  return spec;
}

/// What Gemma 2 and 3 share. Without layer_types, every `pattern`-th layer sees all tokens.
ModelSpec gemma_spec(const model::Config& config, std::size_t pattern, double rotary_base) {
  if (config.flag("use_bidirectional_attention").value_or(false))
    throw Error(ErrorCode::kUnsupported, config.path(), "'use_bidirectional_attention' is not supported");
  ModelSpec spec = decoder_spec(config, {.kv_heads = 4,
                                         .head_width = 256,
                                         .tied = true,
                                         .rotary_base = rotary_base,
                                         .activation_key = "hidden_activation",
                                         .activation = "gelu_pytorch_tanh"});
  StackSpec& stack = spec.stack;
  stack.norm = NormKind::kRmsPlusOne;
  stack.embedding_scale = std::sqrt(static_cast<float>(stack.width));
  const float scale = 1.0F / std::sqrt(factor_setting(config, "query_pre_attn_scalar", 256));
  const std::size_t window = window_setting(config, "sliding_window", 4096);
  const std::vector<std::string> types = layer_types(config, stack.layers.size());
  for (std::size_t i = 0; i < stack.layers.size(); ++i) {
    stack.layers[i].attention_scale = scale;
    if (types.empty() ? (i + 1) % pattern != 0 : types[i] == "sliding_attention") stack.layers[i].window = window;
  }
  return spec;
}

/// A cap; 0 for null.
float cap_setting(const model::Config& config, std::string_view key, float fallback) {
  return config.is_null(key) ? 0 : factor_setting(config, key, fallback);
}

ModelSpec gemma2_spec(const model::Config& config) {
  ModelSpec spec = gemma_spec(config, 2, 10'000);
  spec.stack.attention_cap = cap_setting(config, "attn_logit_softcapping", 50);
  spec.head.cap = cap_setting(config, "final_logit_softcapping", 30);
  return spec;
}

/// Layers with windows have rotary positions of their own.
ModelSpec gemma3_spec(const model::Config& config) {
  ModelSpec spec = gemma_spec(config, size_setting(config, {"sliding_window_pattern"}, 6), 1'000'000);
  StackSpec& stack = spec.stack;
  stack.attention_cap = cap_setting(config, "attn_logit_softcapping", 0);
  spec.head.cap = cap_setting(config, "final_logit_softcapping", 0);
  stack.rotaries = {rotary_settings(config, {stack.head_width, 1'000'000}, "full_attention")};
  const bool nested = config.has("rope_parameters") && config.nested("rope_parameters").has("sliding_attention");
  stack.rotaries.push_back(nested
                               ? rotary_settings(config, {stack.head_width, 10'000}, "sliding_attention")
                               : plain_rotary(config.real("rope_local_base_freq").value_or(10'000), stack.head_width));
  for (LayerSpec& layer : stack.layers) layer.rotary = layer.window == kUnlimited ? 0 : 1;
  return spec;
}

}  // namespace

std::span<const RunnableFamily> gemma_kind() {
  static constexpr std::array kFamilies{RunnableFamily{"gemma", ModelKind::kCausal, gemma1_spec},
                                        RunnableFamily{"gemma2", ModelKind::kCausal, gemma2_spec},
                                        RunnableFamily{"gemma3_text", ModelKind::kCausal, gemma3_spec}};
  return kFamilies;
}

}  // namespace pare::run
