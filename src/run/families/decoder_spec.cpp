#include "run/families/decoder_spec.h"

#include <fmt/format.h>

#include "pare/error.h"
#include "run/rotary_settings.h"
#include "run/settings.h"

namespace pare::run {

ModelSpec decoder_spec(const model::Config& config, const DecoderDefaults& defaults) {
  ModelSpec spec;
  StackSpec& stack = spec.stack;
  stack.causal = true;
  stack.width = size_setting(config, {"hidden_size"}, 4096);
  const std::size_t heads = size_setting(config, {"num_attention_heads"}, 32);
  const std::size_t kv_heads = size_setting(config, {"num_key_value_heads"}, defaults.kv_heads);
  set_heads(config, stack, heads, kv_heads, size_setting(config, {"head_dim"}, defaults.head_width));
  stack.inner = size_setting(config, {"intermediate_size"}, 4 * stack.width);
  stack.norm = NormKind::kRms;
  stack.epsilon = epsilon_setting(config, "rms_norm_eps", defaults.epsilon);
  stack.activation = activation_setting(config, defaults.activation_key, defaults.activation);
  stack.rotaries = {rotary_settings(config, {stack.head_width, defaults.rotary_base})};
  stack.layers.assign(layer_setting(config, {"num_hidden_layers"}, 32), {head_scale(stack), kUnlimited, 0});
  spec.head.tied = config.flag("tie_word_embeddings").value_or(defaults.tied);
  return spec;
}

std::vector<std::string> layer_types(const model::Config& config, std::size_t layers) {
  std::vector<std::string> types = config.texts("layer_types");
  if (!types.empty() && types.size() != layers)
    throw Error(ErrorCode::kMismatch, config.path(),
                fmt::format("'layer_types' has {} entries (expected {})", types.size(), layers));
  return types;
}

std::size_t window_setting(const model::Config& config, std::string_view key, std::size_t fallback) {
  if (config.is_null(key)) return kUnlimited;
  return size_setting(config, {key}, fallback);
}

}  // namespace pare::run
