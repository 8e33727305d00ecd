// Llama (Touvron et al. 2023) and decoders with its layers: Mistral, Qwen2, Qwen3, Phi-3, OLMo 2.
#include <array>

#include "run/families.h"
#include "run/families/decoder_spec.h"
#include "run/settings.h"

namespace pare::run {
namespace {

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
    if (types.empty() ? i >= first : types[i] == kSlidingAttention) layers[i].window = window;
  return spec;
}

ModelSpec qwen2_spec(const model::Config& config) { return qwen_spec(config, 0); }
ModelSpec qwen3_spec(const model::Config& config) { return qwen_spec(config, 128); }

ModelSpec olmo2_spec(const model::Config& config) { return decoder_spec(config, {.epsilon = 1e-5}); }

}  // namespace

std::span<const RunnableFamily> llama_kind() {
  using enum ModelKind;
  static constexpr std::array kFamilies{
      RunnableFamily{"llama", kCausal, llama_spec}, RunnableFamily{"mistral", kCausal, mistral_spec},
      RunnableFamily{"qwen2", kCausal, qwen2_spec}, RunnableFamily{"qwen3", kCausal, qwen3_spec},
      RunnableFamily{"phi3", kCausal, phi3_spec},   RunnableFamily{"olmo2", kCausal, olmo2_spec},
  };
  return kFamilies;
}

}  // namespace pare::run
