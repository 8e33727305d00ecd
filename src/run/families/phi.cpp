// Phi-1 to Phi-2 (Li et al. 2023).
#include <array>

#include "run/families.h"
#include "run/rotary_settings.h"
#include "run/settings.h"

namespace pare::run {
namespace {

ModelSpec phi_spec(const model::Config& config) {
  ModelSpec spec;
  StackSpec& stack = spec.stack;
  stack.causal = stack.parallel = true;
  stack.width = size_setting(config, {"hidden_size"}, 2048);
  const std::size_t heads = size_setting(config, {"num_attention_heads"}, 32);
  set_heads(config, stack, heads, size_setting(config, {"num_key_value_heads"}, heads));
  stack.inner = size_setting(config, {"intermediate_size"}, 4 * stack.width);
  stack.epsilon = epsilon_setting(config, "layer_norm_eps", 1e-5);
  stack.activation = activation_setting(config, "hidden_act", "gelu_new");
  stack.rotaries = {rotary_settings(config, {stack.head_width, 10'000, 0.5})};
  stack.layers.assign(layer_setting(config, {"num_hidden_layers"}, 24), {head_scale(stack), kUnlimited, 0});
  spec.head.tied = config.flag("tie_word_embeddings").value_or(false);
  return spec;
}

}  // namespace

std::span<const RunnableFamily> phi_kind() {
  static constexpr std::array kFamilies{RunnableFamily{"phi", ModelKind::kCausal, phi_spec}};
  return kFamilies;
}

}  // namespace pare::run
