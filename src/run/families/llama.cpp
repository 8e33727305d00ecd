// Llama (Touvron et al. 2023) and decoders with its layers: Mistral, Qwen2, Qwen3, Granite, SmolLM3, Phi-3, OLMo 2.
#include <fmt/format.h>

#include <array>

#include "pare/error.h"
#include "run/families.h"
#include "run/families/decoder_spec.h"
#include "run/settings.h"

namespace pare::run {
namespace {

constexpr std::string_view kSliding = "sliding_attention";

ModelSpec llama_spec(const model::Config& config) { return decoder_spec(config, {}); }

void set_windows(StackSpec& stack, std::size_t window) {
  for (LayerSpec& layer : stack.layers) layer.window = window;
}

ModelSpec mistral_spec(const model::Config& config) {
  ModelSpec spec = decoder_spec(config, {.kv_heads = 8});
  set_windows(spec.stack, window_setting(config, "sliding_window", 4096));
  return spec;
}

ModelSpec phi3_spec(const model::Config& config) {
  ModelSpec spec = decoder_spec(config, {.epsilon = 1e-5});
  set_windows(spec.stack, window_setting(config, "sliding_window", kUnlimited));
  return spec;
}

/// Windows in the layers from max_window_layers on, unless layer_types says otherwise.
ModelSpec qwen_spec(const model::Config& config, std::size_t head_width) {
  ModelSpec spec = decoder_spec(config, {.head_width = head_width});
  std::vector<LayerSpec>& layers = spec.stack.layers;
  if (!config.flag("use_sliding_window").value_or(false)) return spec;
  const std::size_t window = window_setting(config, "sliding_window", 4096);
  const std::size_t first = config.number("max_window_layers").value_or(28);
  const std::vector<std::string> types = layer_types(config, layers.size());
  for (std::size_t i = 0; i < layers.size(); ++i)
    if (types.empty() ? i >= first : types[i] == kSliding) layers[i].window = window;
  return spec;
}

ModelSpec qwen2_spec(const model::Config& config) { return qwen_spec(config, 0); }
ModelSpec qwen3_spec(const model::Config& config) { return qwen_spec(config, 128); }

ModelSpec granite_spec(const model::Config& config) {
  ModelSpec spec = decoder_spec(config, {});
  spec.stack.embedding_scale = factor_setting(config, "embedding_multiplier", 1);
  spec.stack.residual_scale = factor_setting(config, "residual_multiplier", 1);
  for (LayerSpec& layer : spec.stack.layers) layer.attention_scale = factor_setting(config, "attention_multiplier", 1);
  spec.head.divisor = factor_setting(config, "logits_scaling", 1);
  return spec;
}

/// Every fourth layer has no positions.
ModelSpec smollm3_spec(const model::Config& config) {
  ModelSpec spec = decoder_spec(config, {.kv_heads = 4, .tied = true});
  std::vector<LayerSpec>& layers = spec.stack.layers;
  const std::vector<double> rotated = config.reals("no_rope_layers");
  if (!rotated.empty() && rotated.size() != layers.size())
    throw Error(ErrorCode::kMismatch, config.path(),
                fmt::format("'no_rope_layers' has {} entries (expected {})", rotated.size(), layers.size()));
  const std::size_t interval = size_setting(config, {"no_rope_layer_interval"}, 4);
  const bool slides = config.flag("use_sliding_window").value_or(false);
  const std::size_t window = slides ? window_setting(config, "sliding_window", kUnlimited) : kUnlimited;
  const std::vector<std::string> types = layer_types(config, layers.size());
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (rotated.empty() ? (i + 1) % interval == 0 : rotated[i] == 0) layers[i].rotary = -1;
    if (types.empty() ? layers[i].rotary < 0 : types[i] == kSliding) layers[i].window = window;
  }
  return spec;
}

ModelSpec olmo2_spec(const model::Config& config) { return decoder_spec(config, {.epsilon = 1e-5}); }

}  // namespace

std::span<const RunnableFamily> llama_kind() {
  using enum ModelKind;
  static constexpr std::array kFamilies{
      RunnableFamily{"llama", kCausal, llama_spec},     RunnableFamily{"mistral", kCausal, mistral_spec},
      RunnableFamily{"qwen2", kCausal, qwen2_spec},     RunnableFamily{"qwen3", kCausal, qwen3_spec},
      RunnableFamily{"granite", kCausal, granite_spec}, RunnableFamily{"smollm3", kCausal, smollm3_spec},
      RunnableFamily{"phi3", kCausal, phi3_spec},       RunnableFamily{"olmo2", kCausal, olmo2_spec},
  };
  return kFamilies;
}

}  // namespace pare::run
