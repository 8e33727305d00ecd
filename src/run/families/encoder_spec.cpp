#include "run/families/encoder_spec.h"

#include "run/settings.h"

namespace pare::run {

StackSpec bert_stack(const model::Config& config) {
  StackSpec stack;
  stack.width = size_setting(config, {"hidden_size", "dim"}, 768);
  set_heads(config, stack, size_setting(config, {"num_attention_heads", "n_heads"}, 12));
  stack.inner = size_setting(config, {"intermediate_size", "hidden_dim"}, 4 * stack.width);
  stack.norm_after_sum = true;
  stack.epsilon = epsilon_setting(config, "layer_norm_eps", 1e-12);
  stack.activation = activation_setting(config, config.has("activation") ? "activation" : "hidden_act", "gelu");
  stack.positions = Positions::kLearned;
  stack.causal = config.flag("is_decoder").value_or(false);
  stack.layers.assign(layer_setting(config, {"num_hidden_layers", "n_layers"}, 12), {head_scale(stack)});
  return stack;
}

ModelSpec encoder_spec(StackSpec stack, const model::Config& config) {
  ModelSpec spec;
  spec.kind = ModelKind::kEncoder;
  spec.head.activation = stack.activation;
  spec.head.tied = config.flag("tie_word_embeddings").value_or(true);
  spec.stack = std::move(stack);
  return spec;
}

ModelSpec bert_spec(const model::Config& config) { return encoder_spec(bert_stack(config), config); }

}  // namespace pare::run
