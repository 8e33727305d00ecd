// ModernBERT (Warner et al. 2024): rotary positions; every third layer sees all tokens, the others those nearby.
#include <array>

#include "run/families.h"
#include "run/families/decoder_spec.h"
#include "run/rotary_settings.h"
#include "run/settings.h"

namespace pare::run {
namespace {

ModelSpec modernbert_spec(const model::Config& config) {
  ModelSpec spec;
  spec.kind = ModelKind::kEncoder;
  StackSpec& stack = spec.stack;
  stack.width = size_setting(config, {"hidden_size"}, 768);
  set_heads(config, stack, size_setting(config, {"num_attention_heads"}, 12));
  stack.inner = size_setting(config, {"intermediate_size"}, 1152);
  stack.epsilon = epsilon_setting(config, "norm_eps", 1e-5);
  stack.activation = activation_setting(config, "hidden_activation", "gelu");
  const bool nested = config.has("rope_parameters");
  const auto rotary = [&](const char* layer_type, const char* older, double base) {
    return nested ? rotary_settings(config, {stack.head_width, base}, layer_type)
                  : plain_rotary(config.real(older).value_or(base), stack.head_width);
  };
  stack.rotaries = {rotary("full_attention", "global_rope_theta", 160'000),
                    rotary("sliding_attention", "local_rope_theta", 10'000)};
  stack.layers.resize(layer_setting(config, {"num_hidden_layers"}, 22));
  const std::size_t interval = size_setting(config, {"global_attn_every_n_layers"}, 3);
  const std::size_t window = size_setting(config, {"local_attention"}, 128) / 2 + 1;
  const std::vector<std::string> types = layer_types(config, stack.layers.size());
  for (std::size_t i = 0; i < stack.layers.size(); ++i) {
    const bool local = types.empty() ? i % interval != 0 : types[i] == "sliding_attention";
    stack.layers[i] = {head_scale(stack), local ? window : kUnlimited, local ? 1 : 0};
  }
  spec.head.activation = activation_setting(config, "classifier_activation", "gelu");
  spec.head.tied = config.flag("tie_word_embeddings").value_or(true);
  spec.head.pools_mean = config.text("classifier_pooling").value_or("cls") == "mean";
  return spec;
}

}  // namespace

std::span<const RunnableFamily> modernbert_kind() {
  static constexpr std::array kFamilies{RunnableFamily{"modernbert", ModelKind::kEncoder, modernbert_spec}};
  return kFamilies;
}

}  // namespace pare::run
