// GPT-2 (Radford et al. 2019).
#include <array>
#include <cmath>

#include "run/families.h"
#include "run/settings.h"

namespace pare::run {
namespace {

ModelSpec gpt2_spec(const model::Config& config) {
  ModelSpec spec;
  StackSpec& stack = spec.stack;
  stack.causal = true;
  stack.width = size_setting(config, {"n_embd", "hidden_size"}, 768);
  set_heads(config, stack, size_setting(config, {"n_head", "num_attention_heads"}, 12));
  stack.inner = size_setting(config, {"n_inner"}, 4 * stack.width);
  stack.epsilon = epsilon_setting(config, "layer_norm_epsilon", 1e-5);
  stack.activation = activation_setting(config, "activation_function", "gelu_new");
  stack.positions = Positions::kLearned;
  const bool scaled = config.flag("scale_attn_weights").value_or(true);
  const bool by_index = config.flag("scale_attn_by_inverse_layer_idx").value_or(false);
  stack.layers.resize(layer_setting(config, {"n_layer", "num_hidden_layers"}, 12));
  for (std::size_t i = 0; i < stack.layers.size(); ++i) {
    float& scale = stack.layers[i].attention_scale;
    if (scaled) scale = head_scale(stack);
    if (by_index) scale /= static_cast<float>(i + 1);
  }
  return spec;
}

}  // namespace

std::span<const RunnableFamily> gpt2_kind() {
  static constexpr std::array kFamilies{RunnableFamily{"gpt2", ModelKind::kCausal, gpt2_spec}};
  return kFamilies;
}

}  // namespace pare::run
