// BLOOM (BigScience Workshop 2022): ALiBi in place of positions.
#include <array>

#include "run/families.h"
#include "run/settings.h"

namespace pare::run {
namespace {

ModelSpec bloom_spec(const model::Config& config) {
  ModelSpec spec;
  StackSpec& stack = spec.stack;
  stack.causal = true;
  stack.width = size_setting(config, {"hidden_size", "n_embed"}, 64);
  set_heads(config, stack, size_setting(config, {"n_head", "num_attention_heads"}, 8));
  stack.inner = 4 * stack.width;
  stack.epsilon = epsilon_setting(config, "layer_norm_epsilon", 1e-5);
  stack.activation = kernels::Activation::kGeluNew;
  stack.residual_from_norm = config.flag("apply_residual_connection_post_layernorm").value_or(false);
  stack.qkv_order = QkvOrder::kHeads;
  stack.positions = Positions::kAlibi;
  stack.layers.assign(layer_setting(config, {"n_layer", "num_hidden_layers"}, 2), {head_scale(stack)});
  spec.head.tied = config.flag("tie_word_embeddings").value_or(true);
  return spec;
}

}  // namespace

std::span<const RunnableFamily> bloom_kind() {
  static constexpr std::array kFamilies{RunnableFamily{"bloom", ModelKind::kCausal, bloom_spec}};
  return kFamilies;
}

}  // namespace pare::run
