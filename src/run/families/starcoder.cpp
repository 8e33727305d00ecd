// GPT-BigCode (Ben Allal et al. 2023) and StarCoder 2 (Lozhkov et al. 2024).
#include <array>

#include "run/families.h"
#include "run/families/decoder_spec.h"
#include "run/settings.h"

namespace pare::run {
namespace {

/// All heads share keys and values, unless multi_query says otherwise.
ModelSpec gpt_bigcode_spec(const model::Config& config) {
  ModelSpec spec;
  StackSpec& stack = spec.stack;
  const bool shared = config.flag("multi_query").value_or(true);
  stack.causal = true;
  stack.width = size_setting(config, {"n_embd", "hidden_size"}, 768);
  set_heads(config, stack, size_setting(config, {"n_head", "num_attention_heads"}, 12), shared ? 1 : 0);
  stack.qkv_order = shared ? QkvOrder::kMatrices : QkvOrder::kHeads;
  stack.inner = size_setting(config, {"n_inner"}, 4 * stack.width);
  stack.epsilon = epsilon_setting(config, "layer_norm_epsilon", 1e-5);
  stack.activation = activation_setting(config, "activation_function", "gelu_pytorch_tanh");
  stack.positions = Positions::kLearned;
  const float scale = config.flag("scale_attn_weights").value_or(true) ? head_scale(stack) : 1;
  stack.layers.assign(layer_setting(config, {"n_layer", "num_hidden_layers"}, 12), {scale});
  spec.head.tied = config.flag("tie_word_embeddings").value_or(true);
  return spec;
}

ModelSpec starcoder2_spec(const model::Config& config) {
  ModelSpec spec = decoder_spec(config, {.kv_heads = 2, .tied = true, .activation = "gelu_pytorch_tanh"});
  spec.stack.norm = NormKind::kLayer;
  spec.stack.epsilon = epsilon_setting(config, "norm_epsilon", 1e-5);
  const std::size_t window = window_setting(config, "sliding_window", kUnlimited);
  for (LayerSpec& layer : spec.stack.layers) layer.window = window;
  return spec;
}

}  // namespace

std::span<const RunnableFamily> starcoder_kind() {
  static constexpr std::array kFamilies{RunnableFamily{"gpt_bigcode", ModelKind::kCausal, gpt_bigcode_spec},
                                        RunnableFamily{"starcoder2", ModelKind::kCausal, starcoder2_spec}};
  return kFamilies;
}

}  // namespace pare::run
