// Granite and SmolLM3: Llama's layers with factors of their own, or without positions in some.
#include <fmt/format.h>

#include <array>

#include "pare/error.h"
#include "run/families.h"
#include "run/families/decoder_spec.h"
#include "run/settings.h"

namespace pare::run {
namespace {

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
    if (types.empty() ? layers[i].rotary < 0 : types[i] == kSlidingAttention) layers[i].window = window;
  }
  return spec;
}

}  // namespace

std::span<const RunnableFamily> granite_kind() {
  static constexpr std::array kFamilies{RunnableFamily{"granite", ModelKind::kCausal, granite_spec},
                                        RunnableFamily{"smollm3", ModelKind::kCausal, smollm3_spec}};
  return kFamilies;
}

}  // namespace pare::run
