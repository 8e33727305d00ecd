// Falcon (Almazrouei et al. 2023): attention and the feed-forward block run in parallel, after one norm or a norm each.
#include <array>

#include "pare/error.h"
#include "run/families.h"
#include "run/rotary_settings.h"
#include "run/settings.h"

namespace pare::run {
namespace {

ModelSpec falcon_spec(const model::Config& config) {
  if (config.flag("alibi").value_or(false))
    throw Error(ErrorCode::kUnsupported, config.path(), "Falcon with 'alibi' is not supported");
  ModelSpec spec;
  StackSpec& stack = spec.stack;
  stack.causal = true;
  stack.width = size_setting(config, {"hidden_size"}, 4544);
  const std::size_t heads = size_setting(config, {"num_attention_heads", "n_head"}, 71);
  const bool recent = config.flag("new_decoder_architecture").value_or(false);
  const bool shared = !recent && config.flag("multi_query").value_or(true);
  set_heads(config, stack, heads, shared ? 1 : size_setting(config, {"num_kv_heads", "n_head_kv"}, heads));
  stack.inner = size_setting(config, {"ffn_hidden_size"}, 4 * stack.width);
  stack.epsilon = epsilon_setting(config, "layer_norm_epsilon", 1e-5);
  stack.activation = activation_setting(config, "activation", "gelu");
  stack.parallel = recent || config.flag("parallel_attn").value_or(true);
  stack.qkv_order = shared ? QkvOrder::kMatrices : QkvOrder::kHeads;
  stack.rotaries = {rotary_settings(config, {stack.head_width})};
  stack.layers.assign(layer_setting(config, {"num_hidden_layers", "n_layer"}, 32), {head_scale(stack), kUnlimited, 0});
  spec.head.tied = config.flag("tie_word_embeddings").value_or(true);
  return spec;
}

}  // namespace

std::span<const RunnableFamily> falcon_kind() {
  static constexpr std::array kFamilies{RunnableFamily{"falcon", ModelKind::kCausal, falcon_spec}};
  return kFamilies;
}

}  // namespace pare::run
